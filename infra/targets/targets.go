// Package targets is the list of all places that a service can run on.
package targets

import (
	"escala/infra/aws"
	"escala/infra/digitalocean"
	"escala/infra/doks"
	"escala/infra/eks"
	"escala/infra/kubernetes"
	"escala/infra/local"
	"escala/infra/target"
)

// All makes the targets. A new one is a room beside these and a line here.
func All() []target.Target {
	return []target.Target{
		local.New(),
		aws.New(),
		digitalocean.New(),
		kubernetes.New(),
		eks.New(),
		doks.New(),
	}
}
