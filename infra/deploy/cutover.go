package deploy

import (
	"context"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy/gate"
	"escala/infra/deploy/https"
	"escala/service"
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
	// Records registers the DNS records of the service's names. address is Stable.
	// It resolves once the service serves there, so a name that leads elsewhere now
	// moves only to an address that serves. Records returns the resources that must
	// exist before the names lead here. Nil if the stack makes no records.
	Records func(address pulumi.StringOutput) ([]pulumi.Resource, error)
	// Ask returns instructions for a person to find out what is wrong with the
	// machine with that id.
	Ask func(machine string) string

	// httpsPort is the port of HTTPS in tests. Default 443.
	httpsPort string
}

// Run registers the gates and the move. With HTTPS it also registers the records
// and the wait for the certificates.
func (c Cutover) Run(ctx *pulumi.Context, r Request) (Endpoint, error) {
	none := Endpoint{}
	stable := pulumi.Sprintf("http://%s", c.Stable)
	wait := gate.OutputArgs{
		Machine:     c.Machine,
		OnlyMachine: true,
		URL:         pulumi.Sprintf("http://%s", c.Own),
		Stable:      stable,
		Release:     c.Published,
		RequestedAt: r.RequestedAt,
		Workers:     r.Spec.Workers.Count,
		HealthPath:  r.Spec.HealthPath,
		Timeout:     r.GateTimeout,
		Failed:      r.Failed,
		Store:       c.Store,
		Stored:      c.Stored,
		Diagnose:    func(_ context.Context, machine string) string { return c.Ask(machine) },
	}
	certificates, err := c.https(r)
	if err != nil {
		return none, err
	}
	if certificates != nil {
		wait.HTTPS, wait.AlreadyCertified = certificates, gate.AlreadyCertified(ctx, stable, *certificates)
	}
	healthy := gate.Output(ctx, wait)
	id := c.Machine.ID().ApplyT(func(id pulumi.ID) string { return string(id) }).(pulumi.StringOutput)
	moved, err := c.Move(gate.After(id, healthy))
	if err != nil {
		return none, fmt.Errorf("registering where the address leads: %w", err)
	}
	wait.URL = pulumi.All(stable, moved.ID()).ApplyT(func(v []any) string { return v[0].(string) }).(pulumi.StringOutput)
	wait.Release = healthy
	serving := gate.Output(ctx, wait)
	endpoint := Endpoint{URL: gate.After(stable, serving), Release: serving, Outputs: pulumi.Map{}}
	reached := endpoint.URL
	if c.Records != nil {
		address := gate.After(c.Stable, serving)
		records, err := c.Records(address)
		if err != nil {
			return none, err
		}
		reached = after(reached, records)
		endpoint.Outputs[OutputAddress] = address
	}
	if certificates == nil {
		return endpoint, nil
	}
	last, _ := r.Outputs[OutputHTTPS].(string)
	certified := gate.Certified(ctx, gate.CertifiedArgs{
		HTTPS: *certificates, Machine: c.Machine, Stable: reached, AlreadyCertified: wait.AlreadyCertified, Last: last,
	})
	endpoint.Outputs[OutputHTTPS] = certified
	endpoint.URL = pulumi.All(endpoint.URL, certified, c.Stable).ApplyT(func(v []any) string {
		return publicURL(r.Spec, v[0].(string), v[1].(string), v[2].(string))
	}).(pulumi.StringOutput)
	return endpoint, nil
}

// publicURL returns the address for people: the HTTPS address if it serves, and
// otherwise plain HTTP at the stable address.
func publicURL(spec service.Spec, plain, certified, stable string) string {
	switch {
	case certified != https.Serving:
		return plain
	case spec.Host != "":
		return "https://" + spec.Host
	default:
		return "https://" + stable
	}
}

// https returns the certificates that the machine needs, or nil.
func (c Cutover) https(r Request) (*gate.HTTPS, error) {
	if !r.Spec.HTTPS() {
		return nil, nil
	}
	ca, err := r.AuthorityCA()
	if err != nil {
		return nil, err
	}
	return &gate.HTTPS{Names: r.Spec.CertificateNames(), CA: ca, ManagedRecords: c.Records != nil, Port: c.httpsPort}, nil
}

// after returns value as an output that resolves once the resources exist.
func after(value pulumi.StringOutput, resources []pulumi.Resource) pulumi.StringOutput {
	waits := []any{value}
	for _, r := range resources {
		waits = append(waits, r.URN())
		if custom, ok := r.(pulumi.CustomResource); ok {
			waits = append(waits, custom.ID())
		}
	}
	return pulumi.All(waits...).ApplyT(func(v []any) string { return v[0].(string) }).(pulumi.StringOutput)
}

// Published returns the release once the pointer to it is written.
func Published(r Request, pointer pulumi.CustomResource) pulumi.StringOutput {
	return pointer.ID().ApplyT(func(pulumi.ID) string { return string(r.Release.ID) }).(pulumi.StringOutput)
}
