package provider

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/pulumi/pulumi-go-provider/infer"

	"escala/cloudinit/agent/store"
	"escala/service"
)

// Pointer is the object that names the current release. Machines follow it.
type Pointer struct{}

// PointerArgs are a Pointer's inputs.
type PointerArgs struct {
	Store   string `pulumi:"store" provider:"replaceOnChanges"`
	Release string `pulumi:"release"`
	// Size is the size of the release's binary in bytes.
	Size int `pulumi:"size"`
	// RequestedAt, Command and Bake are the same as in service.Wanted.
	RequestedAt *int    `pulumi:"asked,optional"`
	Command     *string `pulumi:"command,optional"`
	Bake        *string `pulumi:"bake,optional"`
}

// PointerState is a Pointer's state.
type PointerState struct {
	PointerArgs
}

func (*Pointer) Create(ctx context.Context, req infer.CreateRequest[PointerArgs]) (infer.CreateResponse[PointerState], error) {
	out := infer.CreateResponse[PointerState]{ID: req.Inputs.Store, Output: PointerState{req.Inputs}}
	if req.DryRun {
		return out, nil
	}
	return out, req.Inputs.write(ctx)
}

func (*Pointer) Update(ctx context.Context, req infer.UpdateRequest[PointerArgs, PointerState]) (infer.UpdateResponse[PointerState], error) {
	out := infer.UpdateResponse[PointerState]{Output: PointerState{req.Inputs}}
	if req.DryRun {
		return out, nil
	}
	return out, req.Inputs.write(ctx)
}

// Read reads the release that the pointer names now.
func (*Pointer) Read(ctx context.Context, req infer.ReadRequest[PointerArgs, PointerState]) (infer.ReadResponse[PointerArgs, PointerState], error) {
	none := infer.ReadResponse[PointerArgs, PointerState]{}
	b, err := os.ReadFile(infer.GetConfig[Config](ctx).path(req.State.Store, service.PointerKey))
	if errors.Is(err, os.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("reading the release pointer: %w", err)
	}
	wanted, err := service.ParseWanted(string(b))
	if err != nil {
		return none, nil //nolint:nilerr // a broken pointer is as good as none: the next update writes it
	}
	args := PointerArgs{Store: req.State.Store, Release: string(wanted.ID), Size: int(wanted.Size)}
	if asked := int(wanted.RequestedAt); asked != 0 {
		args.RequestedAt = &asked
	}
	if wanted.Command != "" {
		args.Command = &wanted.Command
	}
	if bake := wanted.Bake.String(); wanted.Bake.On() {
		args.Bake = &bake
	}
	return infer.ReadResponse[PointerArgs, PointerState]{ID: req.ID, Inputs: args, State: PointerState{args}}, nil
}

func (*Pointer) Delete(ctx context.Context, req infer.DeleteRequest[PointerState]) (infer.DeleteResponse, error) {
	err := os.Remove(infer.GetConfig[Config](ctx).path(req.State.Store, service.PointerKey))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return infer.DeleteResponse{}, fmt.Errorf("removing the release pointer: %w", err)
	}
	return infer.DeleteResponse{}, nil
}

func (a PointerArgs) write(ctx context.Context) error {
	release := service.Release{ID: service.ReleaseID(a.Release), Size: int64(a.Size)}
	target := infer.GetConfig[Config](ctx).path(a.Store, service.PointerKey)
	wanted := service.Wanted{Release: release, RequestedAt: int64(value(a.RequestedAt)), Command: value(a.Command)}
	if text := value(a.Bake); text != "" {
		var err error
		if wanted.Bake, err = service.ParseBake(text); err != nil {
			return fmt.Errorf("pointing to release %s: %w", release.Short(), err)
		}
	}
	if err := replaceFile(target, wanted.Pointer()); err != nil {
		return fmt.Errorf("pointing to release %s: %w", release.Short(), err)
	}
	return nil
}

// replaceFile writes a file atomically.
func replaceFile(target, content string) error {
	return store.WriteFile(target, 0o644, func(w io.Writer) error {
		_, err := io.WriteString(w, content)
		return err
	})
}
