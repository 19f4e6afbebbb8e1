package local

import (
	"context"
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit"
	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/deploy/gate"
	"escala/infra/targets/local/image"
	"escala/infra/targets/local/podman"
	"escala/infra/targets/local/provider"
)

// Deploy registers the release store, the machine and the address. The gate
// checks the release at the machine, and again through the address.
func (l *Local) Deploy(c *deploy.Component) (deploy.Endpoint, error) {
	local := &providerResource{}
	if err := c.Ctx.RegisterResource("pulumi:providers:"+provider.Name, provider.Name,
		&providerArgs{State: pulumi.String(c.Request.State)}, local, c.Options()...); err != nil {
		return deploy.Endpoint{}, fmt.Errorf("registering the local provider: %w", err)
	}
	c.Provider = local
	return deployment{Component: c, settings: l.settings}.run()
}

// deployment is the state of one Deploy.
type deployment struct {
	*deploy.Component
	settings Settings
}

func (d deployment) register(kind, name string, args pulumi.Input, res pulumi.CustomResource, more ...pulumi.ResourceOption) error {
	return d.registerAs(kind, d.Name(name), args, res, more...)
}

// registerAs registers a resource whose logical name does not contain the service's
// name.
func (d deployment) registerAs(kind, name string, args pulumi.Input, res pulumi.CustomResource, more ...pulumi.ResourceOption) error {
	if err := d.Ctx.RegisterResource("escala:local:"+kind, name, args, res, d.Options(more...)...); err != nil {
		return fmt.Errorf("registering the %s: %w", name, err)
	}
	return nil
}

func (d deployment) run() (deploy.Endpoint, error) {
	none := deploy.Endpoint{}
	r := d.Request
	vm := cloudinit.NewMachine(r.Spec)
	// The user waits for the machine, and polling a folder costs nothing.
	vm.Poll = localPoll
	// The machine is deleted before it needs an upgrade.
	vm.Upgrades = false
	// A container cannot raise its limits.
	vm.OpenFiles = machineOpenFiles
	vm.Agent = r.Agent.ID
	vm.Operator = operatorKey.Public()
	authority, err := d.authority()
	if err != nil {
		return none, err
	}
	userData, err := d.userData(vm, authority)
	if err != nil {
		return none, err
	}
	forwarder, err := build.ForwarderTool.For(d.Ctx.Context(), r.Home, r.State, build.Platform{OS: "linux", Arch: runtime.GOARCH})
	if err != nil {
		return none, fmt.Errorf("building the address's forwarder: %w", err)
	}

	img, store := &imageResource{}, &storeResource{}
	if err := d.register("Image", "image", &imageArgs{Digest: pulumi.String(image.Digest())}, img); err != nil {
		return none, err
	}
	if err := d.register("Store", "releases", &storeArgs{}, store); err != nil {
		return none, err
	}
	release := &releaseResource{}
	if err := d.register("Release", "release-"+r.Release.Short(), &releaseArgs{
		Store:   store.Folder,
		Release: pulumi.String(r.Release.ID),
		Size:    pulumi.Int(int(r.Release.Size)),
		// Source is empty for an earlier release whose binary only the store has.
		Source: pulumi.String(relative(r.State, r.Release.Path)),
	}, release, pulumi.RetainOnDelete(true)); err != nil {
		return none, err
	}
	pointer := &pointerResource{}
	pointed := &pointerArgs{Store: store.Folder, Release: release.Release, Size: release.Size}
	if r.RequestedAt != 0 {
		pointed.RequestedAt = pulumi.IntPtr(int(r.RequestedAt))
	}
	if r.Command != "" {
		pointed.Command = pulumi.StringPtr(r.Command)
	}
	if r.Bake.On() {
		pointed.Bake = pulumi.StringPtr(r.Bake.String())
	}
	if err := d.register("Pointer", "current", pointed, pointer); err != nil {
		return none, err
	}
	agent := &agentResource{}
	if err := d.register("Agent", "agent", &agentArgs{
		Store:  store.Folder,
		SHA256: pulumi.String(r.Agent.ID),
		Source: pulumi.String(relative(r.State, r.Agent.Path)),
	}, agent); err != nil {
		return none, err
	}
	machine := &machineResource{}
	args := &machineArgs{
		Image:     img.Digest,
		UserData:  userData,
		Store:     store.Folder,
		OpenFiles: pulumi.Int(machineOpenFiles),
	}
	if authority != nil {
		args.Authority = authority.Folder.ToStringPtrOutput()
	}
	if len(d.Request.Spec.Schedule) > 0 || r.Spec.ReleaseCommand.Set() {
		args.Shared = pulumi.Bool(true)
	}
	if err := d.register("Machine", "machine", args, machine, pulumi.DependsOn([]pulumi.Resource{agent})); err != nil {
		return none, err
	}
	healthy := d.gate(machine, store.Folder, pulumi.Sprintf("http://%s", machine.IP), pointer.Release)
	address := &addressResource{}
	// The logical name does not contain the service's name: a renamed service keeps
	// its address, because the port is the same.
	if err := d.registerAs("Address", "address", &addressArgs{
		Port:      pulumi.Int(d.settings.Port),
		Target:    gate.After(machine.IP, healthy),
		Forwarder: pulumi.String(relative(r.State, forwarder.Path)),
	}, address, pulumi.Aliases([]pulumi.Alias{{Name: pulumi.String(r.Spec.Name + "-address")}})); err != nil {
		return none, err
	}
	serving := d.gate(machine, store.Folder, address.URL, healthy)
	endpoint := deploy.Endpoint{
		URL:     gate.After(address.URL, serving),
		Release: serving,
	}
	if authority == nil {
		return endpoint, nil
	}
	return d.https(endpoint, authority, gate.After(machine.IP, healthy), relative(r.State, forwarder.Path))
}

// gate returns an output that resolves to the release once url serves it on every
// worker.
func (d deployment) gate(machine *machineResource, store, url, release pulumi.StringOutput) pulumi.StringOutput {
	pod := podman.Podman{Folder: provider.PodmanFolder(d.Request.State)}
	return gate.Output(d.Ctx, gate.OutputArgs{
		Machine:     machine,
		URL:         url,
		Release:     release,
		RequestedAt: d.Request.RequestedAt,
		Workers:     d.Request.Spec.Workers.Count,
		HealthPath:  d.Request.Spec.HealthPath,
		Timeout:     d.Request.GateTimeout,
		Failed:      d.Request.Failed,
		Store:       store,
		Stored: func(_ context.Context, store, id string) (string, error) {
			return provider.StoredStatus(d.Request.State, store, id)
		},
		Diagnose: func(ctx context.Context, machine string) string {
			said, err := pod.Exec(ctx, machine, cloudinit.Diagnose()...)
			if err != nil && said == "" {
				return fmt.Sprintf("(it cannot be reached: %v)", err)
			}
			return said
		},
	})
}

// relative returns a path relative to the state folder, as the provider expects it.
func relative(state, path string) string {
	if path == "" {
		return ""
	}
	rel, err := filepath.Rel(state, path)
	if err != nil {
		return path
	}
	return rel
}
