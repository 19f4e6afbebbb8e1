package deploy

import (
	"context"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build"
	"escala/infra/build/image"
	"escala/infra/workspace"
	"escala/service"
)

// Request describes what a target runs.
type Request struct {
	Spec service.Spec
	// Secrets has a value for every name in Spec.Secrets.
	Secrets map[string]string
	// Release is the built service. Its Path is empty on a Cluster, and for an
	// earlier release whose binary is only in the release store.
	Release build.Release
	// RequestedAt is the time of the update that asks a Machine for the release, or that
	// asks for its release command, in seconds since 1970. It does not change once
	// the release serves. 0 in a plan.
	RequestedAt int64
	// Command is the digest of the release command that the release needs. It is ""
	// without a release command, and for a rollback.
	Command string
	// Prepared means that the last successful update was of this release with this
	// command.
	Prepared bool
	// Bake watches the release once it serves. It is zero for a
	// rollback.
	Bake service.Bake
	// Agent is the machine's own program, for a Machine. In Check it is a
	// placeholder of the same length.
	Agent build.Release
	// Image is Release as an image, for a Cluster. It is nil if the registry already
	// has the image: for an earlier release, or for an image that was not built
	// here.
	Image *image.Image
	// Expired are earlier releases that a rollback can no longer use, so a release
	// store can remove them.
	Expired []service.Release
	// Outputs are the outputs of the stack's last successful update, without secret
	// ones. Nil before the first update.
	Outputs map[string]any
	// State is the absolute path of the project's folder for files that stay between
	// updates.
	State string
	// Webhook is the URL that events are sent to, which is a secret. "" without a
	// webhook.
	Webhook string
	// Failed is called with the reason if the release does not serve. Optional.
	Failed func(ctx context.Context, err error)
	// GateTimeout is the time in which the release must serve.
	GateTimeout time.Duration
	// AlarmEmails are the addresses that the cloud's alarms are sent to. If it is
	// empty, the stack makes no alarms.
	AlarmEmails []string
	// Home locates escala's own files.
	Home workspace.Home
	// Project is the name of the Pulumi project. Stack is that of the stack.
	Project string
	Stack   string
	// ProviderConfig returns a value of another namespace of the configuration
	// ("aws:region"), and whether the value is set. A nil ProviderConfig has no
	// values.
	ProviderConfig func(key string) (string, bool)
	// Offline is true for a plan. No update from this computer follows, so
	// missing programs and credentials are not errors.
	Offline bool
}

// Wanted returns what the release store's pointer asks machines to serve.
func (r Request) Wanted() service.Wanted {
	return service.Wanted{Release: r.Release.Release, RequestedAt: r.RequestedAt, Command: r.Command, Bake: r.Bake}
}

// Endpoint is the address of the service. Its outputs resolve only once the service
// has answered there.
type Endpoint struct {
	// URL has no slash at its end.
	URL pulumi.StringOutput
	// Release is the release that answers at URL.
	Release pulumi.StringOutput
	// Outputs are further outputs of the stack, which later updates receive in
	// Request.Outputs. Optional.
	Outputs pulumi.Map
}

// These are outputs that a target may add and that its next update reads.
const (
	// OutputAddress is the machine's stable IP address, or the address or host name
	// of the cluster's load balancer. A stack has this output if it makes DNS
	// records. On aws-eks, it also has the output if it has alarms.
	OutputAddress = "address"
	// OutputHTTPS is a result of https.State, or https.Unchecked.
	OutputHTTPS = "https"
)

// Target is a platform that runs a service.
type Target interface {
	// Name returns the value of the configuration's "target" that selects it.
	Name() string
	// Section returns the key of the target's own configuration.
	Section() string
	// Settings returns a pointer to that configuration, filled with defaults.
	Settings() any
	// Check reports, as service.Violations, what is wrong with the settings and with
	// this computer. It runs before anything is built or registered, and does not
	// change anything.
	Check(ctx context.Context, r Request) error
	// Deploy registers the target's resources below the component, for the
	// component's request.
	Deploy(c *Component) (Endpoint, error)
}

// Machine is a Target whose releases are binaries.
type Machine interface {
	Target
	// Platform returns the operating system and architecture of its machines.
	Platform() build.Platform
}

// Cluster is a Target whose releases are images. A release's id is the digest
// of the image's index.
type Cluster interface {
	Target
	// Platforms returns the platforms that nodes may have. It has at least one
	// element.
	Platforms() []build.Platform
	// ExistingImage returns the reference, by digest, of an image to run instead of
	// building one, or "". It is called after Check has found no problem.
	ExistingImage() string
}
