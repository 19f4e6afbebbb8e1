package dodroplet

import (
	"context"

	"escala/cloudinit/agent/store"
	"escala/infra/operate"
	"escala/infra/operate/ask"
)

var (
	_ operate.Logger     = (*Droplet)(nil)
	_ operate.Restarter  = (*Droplet)(nil)
	_ operate.Maintainer = (*Droplet)(nil)
)

// Logs requests the logs from the machine through its buckets, because the machine
// may have no open port for a login.
func (t *Droplet) Logs(ctx context.Context, s *operate.Stack, r operate.LogsRequest, emit func(operate.Line) error) error {
	m, err := t.requestMachine(ctx, s)
	if err != nil {
		return err
	}
	return m.Logs(ctx, r, emit)
}

// Restart asks the machine for a rolling restart of its workers, without a new
// release.
func (t *Droplet) Restart(ctx context.Context, s *operate.Stack, report func(string)) error {
	m, err := t.requestMachine(ctx, s)
	if err != nil {
		return err
	}
	return m.Restart(ctx, report)
}

// Maintain writes the maintenance request to the bucket and waits for the machine.
func (t *Droplet) Maintain(ctx context.Context, s *operate.Stack, wish operate.Maintenance, report func(string)) error {
	m, err := t.requestMachine(ctx, s)
	if err != nil {
		return err
	}
	return m.Maintain(ctx, wish, report)
}

// requestMachine returns the stack's machine, for requests with the operator's credentials.
func (t *Droplet) requestMachine(ctx context.Context, s *operate.Stack) (ask.Machine, error) {
	m, err := t.machines(ctx, s)
	if err != nil {
		return ask.Machine{}, err
	}
	key, err := operatorKey(ctx, s)
	if err != nil {
		return ask.Machine{}, err
	}
	// Machines can only read the release bucket, so none of them can write an old
	// request again or end a maintenance.
	var requests operate.Objects
	for _, r := range s.OfType("digitalocean:index/spacesBucket:SpacesBucket") {
		if r.Name == s.Part("releases") {
			requests = store.Spaces{Releases: r.Text("name"), Region: r.Text("region")}.ReleaseObjects(key)
		}
	}
	return ask.LastMachine(m, requests)
}
