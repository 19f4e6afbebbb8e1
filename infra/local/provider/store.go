package provider

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// Store is a release store: a folder with the same objects in it that a bucket
// would hold.
type Store struct{}

// StoreArgs are a Store's inputs.
type StoreArgs struct {
	// Folder, relative to the state folder.
	Folder string `pulumi:"folder" provider:"replaceOnChanges"`
}

// StoreState is a Store as it is.
type StoreState struct {
	StoreArgs
}

// Create makes the folder.
func (*Store) Create(ctx context.Context, req infer.CreateRequest[StoreArgs]) (infer.CreateResponse[StoreState], error) {
	out := infer.CreateResponse[StoreState]{ID: req.Inputs.Folder, Output: StoreState{req.Inputs}}
	if req.DryRun {
		return out, nil
	}
	if err := os.MkdirAll(infer.GetConfig[Config](ctx).path(req.Inputs.Folder, "releases"), 0o755); err != nil {
		return out, fmt.Errorf("making the release store: %w", err)
	}
	return out, nil
}

// Read finds out whether the folder is still there.
func (*Store) Read(ctx context.Context, req infer.ReadRequest[StoreArgs, StoreState]) (infer.ReadResponse[StoreArgs, StoreState], error) {
	_, err := os.Stat(infer.GetConfig[Config](ctx).path(req.ID))
	if errors.Is(err, os.ErrNotExist) {
		return infer.ReadResponse[StoreArgs, StoreState]{}, nil
	}
	if err != nil {
		return infer.ReadResponse[StoreArgs, StoreState]{}, fmt.Errorf("looking at the release store: %w", err)
	}
	return infer.ReadResponse[StoreArgs, StoreState]{ID: req.ID, Inputs: StoreArgs{Folder: req.ID}, State: StoreState{StoreArgs{Folder: req.ID}}}, nil
}

// Delete removes the folder with all releases.
func (*Store) Delete(ctx context.Context, req infer.DeleteRequest[StoreState]) (infer.DeleteResponse, error) {
	if err := os.RemoveAll(infer.GetConfig[Config](ctx).path(req.State.Folder)); err != nil {
		return infer.DeleteResponse{}, fmt.Errorf("removing the release store: %w", err)
	}
	return infer.DeleteResponse{}, nil
}
