package deploy

import (
	"context"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build"
	"escala/infra/build/image"
	"escala/service"
)

// Request is what a target is asked to run.
type Request struct {
	Spec service.Spec
	// Secrets are the values of Spec.Secrets by their names, all of them.
	Secrets map[string]string
	// Release is the built service. It has no Path when it is an earlier one
	// whose binary only the release store still has, nor on a Cluster.
	Release build.Release
	// Agent is the machine's own program, for a Machine. In Check it is a stand-in
	// of the same length.
	Agent build.Binary
	// Image is Release as an image, for a Cluster. It is nil where the registry
	// has it already: an earlier release, or an image that was not built here.
	Image *image.Image
	// Expired are earlier releases that nobody can go back to any more, so
	// that a release store need not keep them.
	Expired []service.Release
	// Outputs are the stack's outputs from its last update that succeeded, without
	// secret ones. Nil before the first.
	Outputs map[string]any
	// State is the absolute path of the folder in the clone that whatever is
	// kept between updates lies in.
	State string
	// GateTimeout is how long to wait until the release serves.
	GateTimeout time.Duration
	// Stack is the name of the Pulumi stack.
	Stack string
	// ProviderConfig returns a value of another namespace of the configuration
	// ("aws:region"), and whether it is set. Nil has none.
	ProviderConfig func(key string) (string, bool)
	// Offline is true for a plan: no update follows from this computer, so that
	// programs and credentials that it lacks do not matter.
	Offline bool
}

// Endpoint is where the service is to be reached. Its outputs resolve only once
// that was seen to be so.
type Endpoint struct {
	// URL has no slash at its end.
	URL pulumi.StringOutput
	// Release is the release that answers at URL.
	Release pulumi.StringOutput
	// Outputs are further outputs of the stack, which later updates find in
	// Request.Outputs. Optional.
	Outputs pulumi.Map
}

// Target is one place to run a service.
type Target interface {
	// Name is what the configuration's "target" says.
	Name() string
	// Section is the key of the target's own configuration.
	Section() string
	// Settings is a pointer to that configuration, with its defaults.
	Settings() any
	// Check reports, as service.Violations, what is wrong with the settings and
	// with this computer, before anything is built or registered. It must not
	// change anything.
	Check(ctx context.Context, r Request) error
	// Deploy registers the target's resources below the component, for the
	// component's request.
	Deploy(c *Component) (Endpoint, error)
}

// Machine is a Target whose releases are binaries.
type Machine interface {
	Target
	// Platform is the operating system and architecture of its machines.
	Platform() build.Platform
}

// Cluster is a Target whose releases are images: a release's id is the digest of
// the image's index.
type Cluster interface {
	Target
	// Platforms are those that nodes may have. At least one.
	Platforms() []build.Platform
	// ExistingImage is the reference, by digest, of an image that is run instead
	// of one that is built, or "". It is asked for once Check found nothing wrong.
	ExistingImage() string
}
