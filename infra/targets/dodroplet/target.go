// Package dodroplet is the target on DigitalOcean: one Droplet behind a
// Reserved IP, with its releases in Spaces.
//
// A Droplet has no role, so whatever it needs to read its releases, and the
// service's secrets, stand in its user-data: the machine's root can read them,
// and so can whoever may read the Droplet's metadata from it. The service's
// user cannot: the files are root's, and the metadata address is closed to
// every other account.
package dodroplet

import (
	"context"
	"strings"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/infra/workspace"
)

// Droplet is the target do-droplet.
type Droplet struct {
	settings Settings
}

// New returns the target with its defaults.
func New() *Droplet { return &Droplet{settings: NewSettings()} }

func (*Droplet) Name() string { return "do-droplet" }

// Section implements target.Target.
func (*Droplet) Section() string { return "digitalocean" }

// Settings implements target.Target.
func (t *Droplet) Settings() any { return &t.settings }

// Platform implements target.Target: DigitalOcean has no other machines.
func (*Droplet) Platform() build.Platform { return build.Platform{OS: "linux", Arch: "amd64"} }

// Check implements target.Target.
func (t *Droplet) Check(_ context.Context, r deploy.Request) error {
	v := t.settings.violations()
	if len(v) == 0 && r.Spec.Validate() == nil {
		// Rendered with a stand-in for what only DigitalOcean can name, of the
		// same length, so that user-data which is too large is known beforehand.
		if _, err := userDataLimit.UserData(machine(r, t.settings, bucketKey{
			bucket:   deploy.BucketPrefix(workspace.Project, r.Stack) + "0123456789abcdef",
			machines: deploy.BucketPrefix(workspace.Project, r.Stack) + "0123456789abcdef",
			access:   strings.Repeat("0", 20),
			secret:   strings.Repeat("0", 43),
		})); err != nil {
			v.Add("service", "%s", err)
		}
	}
	return v.Err()
}
