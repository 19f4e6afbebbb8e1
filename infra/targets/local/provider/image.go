package provider

import (
	"context"
	"fmt"
	"path/filepath"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi-go-provider/infer"

	"escala/infra/targets/local/image"
	"escala/infra/targets/local/podman"
)

// Image is the machines' root file system. A build takes a minute, so the files
// stay in the state folder for later use when the resource is deleted.
type Image struct{}

// ImageArgs are an Image's inputs.
type ImageArgs struct {
	// Digest is the digest of the image's recipe.
	Digest string `pulumi:"digest"`
}

// ImageState is an Image's state.
type ImageState struct {
	ImageArgs
}

const imagesFolder = "images"

// Create builds the image, unless it already exists.
func (*Image) Create(ctx context.Context, req infer.CreateRequest[ImageArgs]) (infer.CreateResponse[ImageState], error) {
	out := infer.CreateResponse[ImageState]{ID: req.Inputs.Digest, Output: ImageState{req.Inputs}}
	if req.DryRun {
		return out, nil
	}
	if want := image.Digest(); req.Inputs.Digest != want {
		return out, fmt.Errorf("the program wants the image %s, but this provider builds %s: they are of different versions of escala", req.Inputs.Digest, want)
	}
	log, folder := p.GetLogger(ctx), infer.GetConfig[Config](ctx).path(imagesFolder)
	unlock, err := podman.Lock(ctx, filepath.Join(folder, ".lock")) // clones of the tests share the folder
	if err != nil {
		return out, err
	}
	defer unlock()
	err = image.Build(ctx, folder, func(line string) { log.InfoStatus(line) })
	return out, err
}

// Read checks that the image still exists.
func (*Image) Read(ctx context.Context, req infer.ReadRequest[ImageArgs, ImageState]) (infer.ReadResponse[ImageArgs, ImageState], error) {
	if !image.Exists(infer.GetConfig[Config](ctx).path(imagesFolder), req.ID) {
		return infer.ReadResponse[ImageArgs, ImageState]{}, nil
	}
	return infer.ReadResponse[ImageArgs, ImageState]{ID: req.ID, Inputs: req.Inputs, State: req.State}, nil
}
