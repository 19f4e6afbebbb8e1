package provider

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi-go-provider/infer"
)

// Store is a release store: a folder with the same objects as a bucket.
type Store struct{}

// StoreArgs are a Store's inputs. There are none.
type StoreArgs struct{}

// StoreState is a Store's state.
type StoreState struct {
	// Folder is the store's folder, relative to the state folder. Each store has its
	// own folder, so a machine with one mounted never sees another store in its
	// place.
	Folder string `pulumi:"folder"`
}

const storesFolder = "stores"

// Create makes the folder.
func (*Store) Create(ctx context.Context, req infer.CreateRequest[StoreArgs]) (infer.CreateResponse[StoreState], error) {
	id := uniqueName(req.Name)
	out := infer.CreateResponse[StoreState]{ID: id}
	if req.DryRun {
		return out, nil
	}
	out.Output.Folder = filepath.Join(storesFolder, id)
	if err := os.MkdirAll(infer.GetConfig[Config](ctx).path(out.Output.Folder, "releases"), 0o755); err != nil {
		return out, fmt.Errorf("making the release store: %w", err)
	}
	return out, nil
}

// Read checks that the folder still exists.
func (*Store) Read(ctx context.Context, req infer.ReadRequest[StoreArgs, StoreState]) (infer.ReadResponse[StoreArgs, StoreState], error) {
	none := infer.ReadResponse[StoreArgs, StoreState]{}
	_, err := os.Stat(infer.GetConfig[Config](ctx).path(req.State.Folder))
	if errors.Is(err, os.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("looking at the release store: %w", err)
	}
	return infer.ReadResponse[StoreArgs, StoreState]{ID: req.ID, State: req.State}, nil
}

// Delete removes the folder and all releases.
func (*Store) Delete(ctx context.Context, req infer.DeleteRequest[StoreState]) (infer.DeleteResponse, error) {
	if err := os.RemoveAll(infer.GetConfig[Config](ctx).path(req.State.Folder)); err != nil {
		return infer.DeleteResponse{}, fmt.Errorf("removing the release store: %w", err)
	}
	return infer.DeleteResponse{}, nil
}
