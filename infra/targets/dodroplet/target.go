// Package dodroplet is the target on DigitalOcean: one Droplet behind a
// Reserved IP, with its releases in Spaces.
//
// A Droplet has no role. Its user-data therefore contains its key to the
// releases and the service's secrets. The machine's root can read them, and so
// can every process with access to the Droplet's metadata. The service's user
// cannot: the files belong to root, and the metadata address is closed to all
// other accounts.
package dodroplet

import (
	"context"
	"strings"

	"escala/infra/build"
	"escala/infra/deploy"
)

// Droplet is the target do-droplet.
type Droplet struct {
	settings Settings
}

// New returns the target with its defaults.
func New() *Droplet { return &Droplet{settings: NewSettings()} }

func (*Droplet) Name() string { return "do-droplet" }

func (*Droplet) Section() string { return "digitalocean" }

func (t *Droplet) Settings() any { return &t.settings }

// Platform returns amd64, the only architecture of Droplets.
func (*Droplet) Platform() build.Platform { return build.Platform{OS: "linux", Arch: "amd64"} }

func (t *Droplet) Check(_ context.Context, r deploy.Request) error {
	v := append(t.settings.violations(), t.settings.domains(r.Spec).Violations()...)
	r.CheckOwnCertificate(&v)
	r.CheckAuthorityCA(&v)
	if len(v) == 0 && r.Spec.Validate() == nil {
		// User-data is rendered now, to find out whether it is too large.
		// Placeholders of the same length replace the names that only DigitalOcean
		// knows.
		if _, err := userDataLimit.UserData(machine(r, t.settings, bucketKey{
			bucket:   deploy.BucketPrefix(r.Project, r.Stack) + "0123456789abcdef",
			machines: deploy.BucketPrefix(r.Project, r.Stack) + "0123456789abcdef",
			access:   strings.Repeat("0", 20),
			secret:   strings.Repeat("0", 43),
		}, tls{seed: deploy.TLSSeedPlaceholder, address: "255.255.255.255"}, operator(deploy.OperatorPlaceholder))); err != nil {
			v.Add("service", "%s", err)
		}
	}
	return v.Err()
}
