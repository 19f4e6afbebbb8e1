package gate

import (
	"context"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/service"
	"escala/service/machine"
)

// OutputArgs are the inputs of Output.
type OutputArgs struct {
	// Machine is the machine behind URL. The progress of the wait is shown
	// beside it.
	Machine pulumi.CustomResource
	// URL is the endpoint's URL, without a slash at its end.
	URL pulumi.StringOutput
	// Stable is the same as in Gate. Optional.
	Stable pulumi.StringInput
	// OnlyMachine makes the gate accept answers only from Machine. The machine must
	// publish the id that its cloud gave it.
	OnlyMachine bool
	// Release is the release that must be served. It should come from the resource
	// of the pointer, so that the wait begins when the machine can read it.
	Release pulumi.StringOutput
	// RequestedAt is Want.RequestedAt.
	RequestedAt int64
	// Workers is the number of workers that must serve the release.
	Workers int
	// HealthPath and Timeout are the same as in Gate.
	HealthPath string
	Timeout    time.Duration
	// Store is the name of the store that Stored reads from. Optional.
	Store pulumi.StringInput
	// Stored reads the status that the machine with that id wrote to the store.
	// Optional.
	Stored func(ctx context.Context, store, id string) (string, error)
	// HTTPS describes the certificates. The endpoint must have a certificate for
	// each name in AlreadyCertified. Optional.
	HTTPS            *HTTPS
	AlreadyCertified pulumi.StringArrayOutput
	// Failed is called with the reason if the machine does not serve the release.
	// Optional.
	Failed func(ctx context.Context, err error)
	// Diagnose returns what the machine with that id reports as wrong. Optional.
	Diagnose func(ctx context.Context, machine string) string
}

// Output resolves to the release once the endpoint serves it on every worker.
// Otherwise it fails, and the update fails with it. A resource that has Output as
// an input, such as the address, does not change before. A preview does not wait:
// Output resolves at once.
func Output(ctx *pulumi.Context, args OutputArgs) pulumi.StringOutput {
	stable := args.Stable
	if stable == nil {
		stable = pulumi.String("")
	}
	store := args.Store
	if store == nil {
		store = pulumi.String("")
	}
	had := pulumi.StringArray{}.ToStringArrayOutput()
	if args.HTTPS != nil {
		had = args.AlreadyCertified
	}
	return pulumi.All(args.Machine.ID(), args.URL, args.Release, stable, store, had).ApplyTWithContext(ctx.Context(),
		func(wait context.Context, v []any) (string, error) {
			id, url, release := string(v[0].(pulumi.ID)), v[1].(string), v[2].(string)
			if ctx.DryRun() {
				return release, nil
			}
			g := Gate{
				URL:        url,
				Stable:     v[3].(string),
				HealthPath: args.HealthPath,
				Timeout:    args.Timeout,
				Report: func(s string) {
					// A failure to show a line of progress is not an error.
					_ = ctx.Log.Info(s, &pulumi.LogArgs{Resource: args.Machine, Ephemeral: true})
				},
			}
			if had := v[5].([]string); len(had) > 0 {
				g.Names, g.CA, g.httpsPort = had, args.HTTPS.CA, args.HTTPS.Port
			}
			if args.Stored != nil {
				g.Stored = func(ctx context.Context) (machine.Status, error) {
					content, err := args.Stored(ctx, v[4].(string), id)
					if err != nil {
						return machine.Status{}, err
					}
					return machine.Read(strings.NewReader(content))
				}
			}
			if args.Diagnose != nil {
				g.Diagnose = func(ctx context.Context) string { return args.Diagnose(ctx, id) }
			}
			want := Want{Release: service.ReleaseID(release), RequestedAt: args.RequestedAt, Workers: args.Workers}
			if args.OnlyMachine {
				want.Machine = id
			}
			err := g.Wait(wait, want)
			if err != nil && args.Failed != nil {
				args.Failed(wait, err)
			}
			return release, err
		}).(pulumi.StringOutput)
}

// After returns value once passed has resolved.
func After(value, passed pulumi.StringOutput) pulumi.StringOutput {
	return pulumi.All(value, passed).ApplyT(func(v []any) string { return v[0].(string) }).(pulumi.StringOutput)
}
