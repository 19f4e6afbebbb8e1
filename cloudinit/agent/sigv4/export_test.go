package sigv4

import "time"

// SetSkew shifts the time in requests by d.
func (c *Client) SetSkew(d time.Duration) { c.skew.Store(int64(d)) }
