package provider

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/pulumi/pulumi-go-provider/infer"

	"escala/service"
)

// Release is the binary of one release in a store. The store has the last binaries
// for rollbacks, also after their resources are deleted.
type Release struct{}

// ReleaseArgs are a Release's inputs.
type ReleaseArgs struct {
	Store string `pulumi:"store" provider:"replaceOnChanges"`
	// Release is the binary's SHA-256.
	Release string `pulumi:"release" provider:"replaceOnChanges"`
	// Size is the binary's size in bytes.
	Size int `pulumi:"size"`
	// Source is the path of the binary, relative to the state folder. It is empty
	// if only the store has the binary.
	Source string `pulumi:"source"`
}

// ReleaseState is a Release's state.
type ReleaseState struct {
	ReleaseArgs
}

// Create copies the binary into the store, unless the store already has it. The
// copy is verified, and appears complete by a rename.
func (*Release) Create(ctx context.Context, req infer.CreateRequest[ReleaseArgs]) (infer.CreateResponse[ReleaseState], error) {
	out := infer.CreateResponse[ReleaseState]{ID: req.Inputs.Release, Output: ReleaseState{req.Inputs}}
	if req.DryRun {
		return out, nil
	}
	config := infer.GetConfig[Config](ctx)
	folder := config.path(req.Inputs.Store, "releases")
	stored := filepath.Join(folder, req.Inputs.Release)
	exists, err := isBinary(stored, req.Inputs.Release)
	switch {
	case err == nil && exists:
		// prune removes the oldest files, so the file's time is set to now.
		now := time.Now()
		err = os.Chtimes(stored, now, now)
	case req.Inputs.Source == "":
		err = errors.New("neither the store nor this computer has its binary any more; go back to the source that it was built from")
	default:
		err = install(config.path(req.Inputs.Source), stored, req.Inputs.Release)
	}
	if err != nil {
		return out, fmt.Errorf("storing release %.12s: %w", req.Inputs.Release, err)
	}
	if err := prune(folder); err != nil {
		return out, fmt.Errorf("removing old releases: %w", err)
	}
	return out, nil
}

// Update does nothing: the source of a stored binary does not matter.
func (*Release) Update(_ context.Context, req infer.UpdateRequest[ReleaseArgs, ReleaseState]) (infer.UpdateResponse[ReleaseState], error) {
	return infer.UpdateResponse[ReleaseState]{Output: ReleaseState{req.Inputs}}, nil
}

// Read checks that the stored binary is unchanged.
func (*Release) Read(ctx context.Context, req infer.ReadRequest[ReleaseArgs, ReleaseState]) (infer.ReadResponse[ReleaseArgs, ReleaseState], error) {
	none := infer.ReadResponse[ReleaseArgs, ReleaseState]{}
	path := infer.GetConfig[Config](ctx).path(req.State.Store, "releases", req.ID)
	if exists, err := isBinary(path, req.ID); err != nil || !exists {
		return none, err
	}
	return infer.ReadResponse[ReleaseArgs, ReleaseState]{ID: req.ID, Inputs: req.Inputs, State: req.State}, nil
}

// maxStoredBinaries is the number of binaries that stay in a store. It is larger than the
// number of releases for rollbacks, because bad releases take places too but cannot
// be rolled back to.
const maxStoredBinaries = 3 * service.KeptReleases

// prune deletes all but the newest maxStoredBinaries files of the folder.
func prune(folder string) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	var infos []os.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil && len(e.Name()) == sha256.Size*2 {
			infos = append(infos, info)
		}
	}
	slices.SortFunc(infos, func(a, b os.FileInfo) int { return cmp.Compare(b.ModTime().UnixNano(), a.ModTime().UnixNano()) })
	for _, info := range infos[min(maxStoredBinaries, len(infos)):] {
		if err := os.Remove(filepath.Join(folder, info.Name())); err != nil {
			return err
		}
	}
	return nil
}
