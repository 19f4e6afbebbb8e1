package sigv4

import "time"

// SetSkew makes requests say a time that is off by d.
func (c *Client) SetSkew(d time.Duration) { c.skew.Store(int64(d)) }
