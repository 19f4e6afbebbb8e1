package instance

import (
	"context"
	"errors"
)

// PublicIPv4 returns the public address that the instance's outgoing connections
// come from, or "" if it has none. It is that of the Elastic IP once one is
// associated with the instance ("Instance metadata categories", public-ipv4).
func (e *EC2) PublicIPv4(ctx context.Context) (string, error) {
	address, err := e.get(ctx, "/latest/meta-data/public-ipv4")
	if errors.Is(err, ErrAbsent) {
		return "", nil
	}
	return address, err
}
