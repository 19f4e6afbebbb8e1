package dodroplet

import (
	"context"
	"fmt"
	"os"
	"time"

	"escala/cloudinit/agent/sigv4"
	"escala/cloudinit/agent/store"
	"escala/infra/operate"
	"escala/service/event"
)

var (
	_ operate.StatusReporter = (*Droplet)(nil)
	_ operate.Eventer        = (*Droplet)(nil)
)

// Status asks the machine at its address, and reads what the machine wrote to its
// bucket.
func (t *Droplet) Status(ctx context.Context, s *operate.Stack) (operate.Status, error) {
	m, err := t.machines(ctx, s)
	if err != nil {
		return operate.Status{}, err
	}
	return m.Status(ctx), nil
}

// Events returns what the machine wrote to its bucket.
func (t *Droplet) Events(ctx context.Context, s *operate.Stack, since time.Time) ([]event.Event, error) {
	m, err := t.machines(ctx, s)
	if err != nil {
		return nil, err
	}
	return m.Events(ctx, since)
}

// machines returns the stack's machines, their addresses, and the bucket with what
// they wrote.
func (t *Droplet) machines(ctx context.Context, s *operate.Stack) (operate.Machines, error) {
	m := operate.Machines{Stack: s, NoObjects: operate.ErrNothing}
	var stable []string
	for _, r := range s.OfType("digitalocean:index/reservedIp:ReservedIp") {
		stable = operate.URLs(r.Text("ipAddress"))
	}
	for _, r := range s.WithReplaced("digitalocean:index/droplet:Droplet") {
		m.At = append(m.At, operate.At{ID: r.ID, URLs: append(operate.URLs(r.Text("ipv4Address")), stable...), Replaced: r.Replaced})
	}
	key, err := operatorKey(ctx, s)
	if err != nil {
		return m, err
	}
	for _, r := range s.OfType("digitalocean:index/spacesBucket:SpacesBucket") {
		if r.Name == s.Part("machines") {
			m.Objects = store.Spaces{Machines: r.Text("name"), Region: r.Text("region")}.MachineObjects(key)
		}
	}
	if key == (sigv4.Key{}) {
		m.Objects = nil
		m.NoObjects = fmt.Errorf("%w for Spaces: set SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY", operate.ErrNoLogin)
	}
	return m, nil
}

// operatorKey returns the operator's key for Spaces, from the same places as the
// provider. If there is none, it returns the machine's own key from the state,
// which can write only the machines' objects.
func operatorKey(ctx context.Context, s *operate.Stack) (sigv4.Key, error) {
	var key sigv4.Key
	for _, part := range []struct {
		value         *string
		name, environ string
	}{
		{&key.Access, "digitalocean:spacesAccessId", "SPACES_ACCESS_KEY_ID"},
		{&key.Secret, "digitalocean:spacesSecretKey", "SPACES_SECRET_ACCESS_KEY"},
	} {
		value, set, err := s.Config(ctx, part.name)
		if err != nil {
			return sigv4.Key{}, fmt.Errorf("reading the stack's key for Spaces: %w", err)
		}
		if *part.value = value; !set {
			*part.value = os.Getenv(part.environ)
		}
	}
	if key.Access != "" && key.Secret != "" {
		return key, nil
	}
	for _, r := range s.OfType("digitalocean:index/spacesKey:SpacesKey") {
		return sigv4.Key{Access: r.Text("accessKey"), Secret: r.Text("secretKey")}, nil
	}
	return sigv4.Key{}, nil
}
