package provider

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"escala/cloudinit"
	"escala/cloudinit/agent/store"
	"escala/infra/targets/local/image"
	"escala/infra/targets/local/podman"
)

// Machine is a Debian 12 machine: a container with systemd and cloud-init.
type Machine struct{}

// MachineArgs are a Machine's inputs. As in a cloud, a change of any of them
// makes a new machine.
type MachineArgs struct {
	// Image is the digest of the machine's image.
	Image string `pulumi:"image"`
	// UserData is cloud-init's input for the first boot.
	UserData string `pulumi:"userData"`
	// Store is the release store that is mounted into the machine, relative to
	// the state folder.
	Store string `pulumi:"store"`
	// OpenFiles limits each process's open files.
	OpenFiles int `pulumi:"openFiles"`
	// Authority is the folder of the machine's certificate authority, relative to
	// the state folder. Its names lead to the stack's first machine from the
	// beginning. Optional.
	Authority *string `pulumi:"authority,optional"`
	// Shared mounts the folder that the stack's machines share and write to. With
	// Authority it is always mounted. Default false.
	Shared *bool `pulumi:"shared,optional"`
}

// MachineState is a Machine's state.
type MachineState struct {
	MachineArgs
	// IP is the machine's address, reachable from this computer.
	IP string `pulumi:"ip"`
	// Running is false if Read found the machine stopped.
	Running bool `pulumi:"running"`
}

// machinesFolder contains a folder for each machine.
const machinesFolder = "machines"

// stopGrace is the time that a machine has to shut down. It is longer than the
// longest default lifecycle.
const stopGrace = 60 * time.Second

// Create starts a machine. It does not wait until the machine serves; the
// health gate checks that.
func (*Machine) Create(ctx context.Context, req infer.CreateRequest[MachineArgs]) (infer.CreateResponse[MachineState], error) {
	id := uniqueName(req.Name)
	out := infer.CreateResponse[MachineState]{ID: id, Output: MachineState{MachineArgs: req.Inputs}}
	if req.DryRun {
		return out, nil
	}
	config := infer.GetConfig[Config](ctx)
	// The lock prevents two machines that start together from using the same
	// address.
	unlock, err := podman.Lock(ctx, config.path("network.lock"))
	if err != nil {
		return out, err
	}
	defer unlock()
	seed, err := writeSeed(config, id, req.Inputs.UserData)
	if err != nil {
		return out, err
	}
	own, err := makeOwnFolder(config, req.Inputs.Store, id)
	if err != nil {
		return out, err
	}
	writable := map[string]string{own: filepath.Join(cloudinit.StoreFolder, store.MachineKey(id, ""))}
	if value(req.Inputs.Authority) != "" || value(req.Inputs.Shared) {
		shared := config.path(req.Inputs.Store, "shared")
		if err := os.MkdirAll(shared, 0o755); err != nil {
			return out, fmt.Errorf("making the folder that the machines share: %w", err)
		}
		writable[shared] = cloudinit.SharedFolder
	}
	created := false
	defer func() {
		if !created {
			_ = os.RemoveAll(filepath.Dir(seed))
			_ = os.RemoveAll(own)
		}
	}()
	pod := config.podman()
	network, err := pod.EnsureNetwork(ctx)
	if err != nil {
		return out, err
	}
	ip, err := runAtFreeIP(ctx, pod, network, podman.Container{
		Name:      id,
		RootFS:    image.RootFS(config.path(imagesFolder), req.Inputs.Image),
		Network:   network.Name,
		Systemd:   true,
		OpenFiles: req.Inputs.OpenFiles,
		// The agent inspects the workers' processes. On a real machine, root has
		// this capability.
		Capabilities: []string{"SYS_PTRACE"},
		ReadOnly: map[string]string{
			seed:                          "/var/lib/cloud/seed/nocloud",
			config.path(req.Inputs.Store): cloudinit.StoreFolder,
		},
		Writable: writable,
		Command:  []string{"/sbin/init"},
	})
	if err != nil {
		return out, fmt.Errorf("starting machine %s: %w", id, err)
	}
	created = true
	out.Output.IP, out.Output.Running = ip, true
	if value(req.Inputs.Authority) != "" {
		return out, pointNames(config.path(value(req.Inputs.Authority)), ip, true)
	}
	return out, nil
}

// runAtFreeIP runs a container at a free address. If podman refuses an address, it
// tries the next one: podman may still have the lease of a container whose creation
// was interrupted.
func runAtFreeIP(ctx context.Context, pod podman.Podman, network podman.Network, c podman.Container) (string, error) {
	var leased []string
	for {
		ip, err := pod.FreeIP(ctx, network, leased...)
		if err != nil {
			return "", err
		}
		c.IP = ip
		if err = pod.Run(ctx, c); err == nil || !podman.Leased(err) {
			return ip, err
		}
		leased = append(leased, ip)
	}
}

// Diff replaces the machine if an input changes. It updates a machine that Read
// found stopped.
func (*Machine) Diff(_ context.Context, req infer.DiffRequest[MachineArgs, MachineState]) (infer.DiffResponse, error) {
	diff := map[string]p.PropertyDiff{}
	replace := func(key string, changed bool) {
		if changed {
			diff[key] = p.PropertyDiff{Kind: p.UpdateReplace, InputDiff: true}
		}
	}
	replace("image", req.State.Image != req.Inputs.Image)
	replace("userData", req.State.UserData != req.Inputs.UserData)
	replace("store", req.State.Store != req.Inputs.Store)
	replace("openFiles", req.State.OpenFiles != req.Inputs.OpenFiles)
	replace("authority", value(req.State.Authority) != value(req.Inputs.Authority))
	replace("shared", value(req.State.Shared) != value(req.Inputs.Shared))
	if len(diff) == 0 && !req.State.Running {
		diff["running"] = p.PropertyDiff{Kind: p.Update}
	}
	return infer.DiffResponse{HasChanges: len(diff) > 0, DetailedDiff: diff}, nil
}

// Update starts a machine that Read found stopped.
func (*Machine) Update(ctx context.Context, req infer.UpdateRequest[MachineArgs, MachineState]) (infer.UpdateResponse[MachineState], error) {
	out := infer.UpdateResponse[MachineState]{Output: req.State}
	out.Output.MachineArgs = req.Inputs
	if req.DryRun {
		return out, nil
	}
	if err := infer.GetConfig[Config](ctx).podman().Start(ctx, req.ID); err != nil {
		return out, fmt.Errorf("switching machine %s on: %w", req.ID, err)
	}
	out.Output.Running = true
	return out, nil
}

func (*Machine) Read(ctx context.Context, req infer.ReadRequest[MachineArgs, MachineState]) (infer.ReadResponse[MachineArgs, MachineState], error) {
	status, err := infer.GetConfig[Config](ctx).podman().Inspect(ctx, req.ID)
	if err != nil {
		return infer.ReadResponse[MachineArgs, MachineState]{}, fmt.Errorf("looking at machine %s: %w", req.ID, err)
	}
	if !status.Exists {
		return infer.ReadResponse[MachineArgs, MachineState]{}, nil
	}
	req.State.Running = status.Running
	return infer.ReadResponse[MachineArgs, MachineState]{ID: req.ID, Inputs: req.Inputs, State: req.State}, nil
}

// Delete shuts the machine down and removes it. After the last machine, it also
// removes the machines' network.
func (*Machine) Delete(ctx context.Context, req infer.DeleteRequest[MachineState]) (infer.DeleteResponse, error) {
	config := infer.GetConfig[Config](ctx)
	if err := config.podman().Remove(ctx, req.ID, stopGrace); err != nil {
		return infer.DeleteResponse{}, fmt.Errorf("removing machine %s: %w", req.ID, err)
	}
	if err := os.RemoveAll(ownFolder(config, req.State.Store, req.ID)); err != nil {
		return infer.DeleteResponse{}, fmt.Errorf("removing the objects of machine %s: %w", req.ID, err)
	}
	return infer.DeleteResponse{}, sweep(ctx, config)
}

// ownFolder returns the only folder of the release store that the machine may write
// to.
func ownFolder(config Config, releases, id string) string {
	return config.path(releases, store.MachineKey(id, ""))
}

// makeOwnFolder makes the machine's own folder. It is a mount point below the mounted
// store, so it must exist before the machine.
func makeOwnFolder(config Config, releases, id string) (string, error) {
	own := ownFolder(config, releases, id)
	if err := os.MkdirAll(own, 0o755); err != nil {
		return "", fmt.Errorf("making the folder of machine %s in the release store: %w", id, err)
	}
	return own, nil
}

// StoredStatus returns the status that a machine wrote to its release store.
// releases is the store's folder, relative to the state folder.
func StoredStatus(state, releases, id string) (string, error) {
	content, err := os.ReadFile(Config{State: state}.path(releases, store.MachineKey(id, store.StatusName)))
	if err != nil {
		return "", fmt.Errorf("reading the machine's status in the release store: %w", err)
	}
	return string(content), nil
}

// writeSeed writes the files of cloud-init's NoCloud data source.
func writeSeed(config Config, id, userData string) (string, error) {
	seed := config.path(machinesFolder, id, "seed")
	if err := os.MkdirAll(seed, 0o755); err != nil {
		return "", fmt.Errorf("writing the user-data of machine %s: %w", id, err)
	}
	for name, content := range map[string]string{
		"user-data": userData,
		// A new instance id means a new machine to cloud-init.
		"meta-data": "instance-id: " + id + "\nlocal-hostname: " + id + "\n",
	} {
		if err := os.WriteFile(filepath.Join(seed, name), []byte(content), 0o644); err != nil {
			return "", fmt.Errorf("writing the user-data of machine %s: %w", id, err)
		}
	}
	return seed, nil
}
