package provider

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"escala/infra/targets/local/podman"
)

// Address is a port of this computer, on loopback. Like a cloud's elastic IP,
// it stays the same when the machine changes.
type Address struct{}

// AddressArgs are an Address's inputs.
type AddressArgs struct {
	// Port is the port on 127.0.0.1.
	Port int `pulumi:"port"`
	// Target is the address of the machine behind the port.
	Target string `pulumi:"target"`
	// Forwarder is the path of the forwarder, relative to the state folder.
	Forwarder string `pulumi:"forwarder"`
	// TargetPort is the machine's port. Default 80.
	TargetPort *int `pulumi:"targetPort,optional"`
	// Authority is the folder of an authority whose names lead to the same machine.
	// Optional.
	Authority *string `pulumi:"authority,optional"`
}

// AddressState is an Address's state.
type AddressState struct {
	AddressArgs
	URL string `pulumi:"url"`
	// Running is false if Read did not find the forwarder's process.
	Running bool `pulumi:"running"`
}

// addressesFolder is the folder with a folder for each address.
const addressesFolder = "addresses"

// host is a loopback address, because other computers must not reach the machine.
const host = "127.0.0.1"

func (a AddressArgs) listen() string { return net.JoinHostPort(host, strconv.Itoa(a.Port)) }

func (a AddressArgs) state() AddressState {
	return AddressState{AddressArgs: a, URL: "http://" + a.listen(), Running: true}
}

// Create starts the forwarder, which listens on the port.
func (*Address) Create(ctx context.Context, req infer.CreateRequest[AddressArgs]) (infer.CreateResponse[AddressState], error) {
	id := uniqueName(req.Name)
	out := infer.CreateResponse[AddressState]{ID: id, Output: req.Inputs.state()}
	if req.DryRun {
		return out, nil
	}
	config := infer.GetConfig[Config](ctx)
	if err := CheckPort(ctx, req.Inputs.Port); err != nil {
		return out, err
	}
	unlock, err := podman.Lock(ctx, config.path("network.lock"))
	if err != nil {
		return out, err
	}
	defer unlock()
	folder := config.path(addressesFolder, id)
	if err := req.Inputs.point(config, folder); err != nil {
		return out, err
	}
	rootfs := filepath.Join(folder, "rootfs")
	if err := install(config.path(req.Inputs.Forwarder), filepath.Join(rootfs, "forwarder"), filepath.Base(req.Inputs.Forwarder)); err != nil {
		return out, fmt.Errorf("installing the forwarder: %w", err)
	}
	if err := os.Chmod(filepath.Join(rootfs, "forwarder"), 0o755); err != nil {
		return out, fmt.Errorf("installing the forwarder: %w", err)
	}
	err = config.podman().Run(ctx, podman.Container{
		Name:     id,
		RootFS:   rootfs,
		Network:  "host",
		ReadOnly: map[string]string{folder: "/address"},
		// Each connection needs two file descriptors, for its two sockets.
		OpenFiles: 16384,
		Command:   []string{"/forwarder", "-listen", req.Inputs.listen(), "-target", "/address/target"},
	})
	if err == nil {
		err = awaitListener(ctx, req.Inputs.listen())
	}
	if err != nil {
		_ = config.podman().Remove(context.WithoutCancel(ctx), id, 0)
		_ = os.RemoveAll(folder)
		return out, fmt.Errorf("opening port %d: %w", req.Inputs.Port, err)
	}
	return out, nil
}

// Diff updates the address in place when the target changes. Another port or
// forwarder replaces it. If the port stays the same, the old address is deleted
// first to free the port.
func (*Address) Diff(_ context.Context, req infer.DiffRequest[AddressArgs, AddressState]) (infer.DiffResponse, error) {
	diff := map[string]p.PropertyDiff{}
	if req.State.Port != req.Inputs.Port {
		diff["port"] = p.PropertyDiff{Kind: p.UpdateReplace, InputDiff: true}
	}
	if req.State.Forwarder != req.Inputs.Forwarder {
		diff["forwarder"] = p.PropertyDiff{Kind: p.UpdateReplace, InputDiff: true}
	}
	if req.State.Target != req.Inputs.Target {
		diff["target"] = p.PropertyDiff{Kind: p.Update, InputDiff: true}
	}
	if value(req.State.Authority) != value(req.Inputs.Authority) || value(req.State.TargetPort) != value(req.Inputs.TargetPort) {
		diff["authority"] = p.PropertyDiff{Kind: p.Update, InputDiff: true}
	}
	if !req.State.Running {
		diff["running"] = p.PropertyDiff{Kind: p.Update}
	}
	return infer.DiffResponse{
		HasChanges:          len(diff) > 0,
		DetailedDiff:        diff,
		DeleteBeforeReplace: req.State.Port == req.Inputs.Port,
	}, nil
}

// Update points the address to another machine. New connections go there; open
// connections stay with the old machine.
func (*Address) Update(ctx context.Context, req infer.UpdateRequest[AddressArgs, AddressState]) (infer.UpdateResponse[AddressState], error) {
	out := infer.UpdateResponse[AddressState]{Output: req.Inputs.state()}
	if req.DryRun {
		return out, nil
	}
	config := infer.GetConfig[Config](ctx)
	if err := req.Inputs.point(config, config.path(addressesFolder, req.ID)); err != nil {
		return out, err
	}
	if !req.State.Running {
		if err := config.podman().Start(ctx, req.ID); err != nil {
			return out, fmt.Errorf("opening port %d again: %w", req.Inputs.Port, err)
		}
	}
	return out, awaitListener(ctx, req.Inputs.listen())
}

// Read reads the address' current target and checks its process.
func (*Address) Read(ctx context.Context, req infer.ReadRequest[AddressArgs, AddressState]) (infer.ReadResponse[AddressArgs, AddressState], error) {
	none := infer.ReadResponse[AddressArgs, AddressState]{}
	config := infer.GetConfig[Config](ctx)
	status, err := config.podman().Inspect(ctx, req.ID)
	if err != nil {
		return none, fmt.Errorf("looking at the address: %w", err)
	}
	target, err := os.ReadFile(config.path(addressesFolder, req.ID, "target"))
	if !status.Exists || errors.Is(err, os.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("looking at the address: %w", err)
	}
	req.State.Running = status.Running
	req.State.Target, _, _ = net.SplitHostPort(strings.TrimSpace(string(target)))
	req.Inputs.Target = req.State.Target
	return infer.ReadResponse[AddressArgs, AddressState]{ID: req.ID, Inputs: req.Inputs, State: req.State}, nil
}

// Delete stops the forwarder, which frees the port.
func (*Address) Delete(ctx context.Context, req infer.DeleteRequest[AddressState]) (infer.DeleteResponse, error) {
	config := infer.GetConfig[Config](ctx)
	if err := config.podman().Remove(ctx, req.ID, 5*time.Second); err != nil {
		return infer.DeleteResponse{}, fmt.Errorf("releasing port %d: %w", req.State.Port, err)
	}
	return infer.DeleteResponse{}, sweep(ctx, config)
}

// point writes the target file. The forwarder reads it for each connection.
func (a AddressArgs) point(config Config, folder string) error {
	if err := os.MkdirAll(filepath.Join(folder, "rootfs"), 0o755); err != nil {
		return fmt.Errorf("pointing the address: %w", err)
	}
	target := net.JoinHostPort(a.Target, strconv.Itoa(cmp.Or(value(a.TargetPort), 80)))
	if err := replaceFile(filepath.Join(folder, "target"), target+"\n"); err != nil {
		return fmt.Errorf("pointing the address: %w", err)
	}
	if value(a.Authority) == "" {
		return nil
	}
	return pointNames(config.path(value(a.Authority)), a.Target, false)
}

// value returns the value of an optional input, or the zero value.
func value[T any](p *T) T {
	var zero T
	if p == nil {
		return zero
	}
	return *p
}

// CheckPort returns an error with advice if the port cannot be listened on now.
func CheckPort(ctx context.Context, port int) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port %d of %s is taken by another process (\"ss -ltnp sport = :%d\" names it): end that one, or take another port", port, host, port)
	}
	if err != nil {
		return fmt.Errorf("listening on port %d of %s: %w", port, host, err)
	}
	return l.Close()
}

// awaitListener waits until the forwarder listens, which takes milliseconds.
func awaitListener(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	var dialer net.Dialer
	for {
		c, err := dialer.DialContext(ctx, "tcp", address)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("nothing listens on %s: %w", address, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
