package deploy

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/gate"
)

// Cutover puts a machine behind a stable address. The machine passes the gate
// on its own address, then the stable address moves to it, then it passes the
// gate there. If the machine did not change, nothing moves, and the gate only
// waits for the release.
type Cutover struct {
	// Machine is the machine's resource. Its id is the id that the machine
	// publishes (cloudinit's instance-id).
	Machine pulumi.CustomResource
	// Own is the machine's own address. Stable is the address that stays when
	// the machine is replaced.
	Own, Stable pulumi.StringOutput
	// Published is the release. It resolves once the machine can read that it
	// is wanted.
	Published pulumi.StringOutput
	// Move registers the resource that points Stable at the machine with the
	// given id. The id resolves once that machine is healthy.
	Move func(healthy pulumi.StringOutput) (pulumi.CustomResource, error)
	// Store names the store that Stored reads from. Stored returns the status
	// that the machine with that id wrote there. Optional.
	Store  pulumi.StringInput
	Stored func(ctx context.Context, store, id string) (string, error)
	// Ask returns instructions for a person to ask the machine with that id
	// what is wrong.
	Ask func(machine string) string
}

// Run registers the gates and the move.
func (c Cutover) Run(ctx *pulumi.Context, r Request) (Endpoint, error) {
	stable := pulumi.Sprintf("http://%s", c.Stable)
	wait := gate.OutputArgs{
		Machine:     c.Machine,
		OnlyMachine: true,
		URL:         pulumi.Sprintf("http://%s", c.Own),
		Stable:      stable,
		Release:     c.Published,
		Workers:     r.Spec.Workers.Count,
		HealthPath:  r.Spec.HealthPath,
		Timeout:     r.GateTimeout,
		Store:       c.Store,
		Stored:      c.Stored,
		Diagnose:    func(_ context.Context, machine string) string { return c.Ask(machine) },
	}
	healthy := gate.Output(ctx, wait)
	id := c.Machine.ID().ApplyT(func(id pulumi.ID) string { return string(id) }).(pulumi.StringOutput)
	moved, err := c.Move(gate.After(id, healthy))
	if err != nil {
		return Endpoint{}, fmt.Errorf("registering where the address leads: %w", err)
	}
	wait.URL = pulumi.All(stable, moved.ID()).ApplyT(func(v []any) string { return v[0].(string) }).(pulumi.StringOutput)
	wait.Release = healthy
	serving := gate.Output(ctx, wait)
	return Endpoint{URL: gate.After(stable, serving), Release: serving}, nil
}

// Published returns the release once the pointer to it is written.
func Published(r Request, pointer pulumi.CustomResource) pulumi.StringOutput {
	return pointer.ID().ApplyT(func(pulumi.ID) string { return string(r.Release.ID) }).(pulumi.StringOutput)
}
