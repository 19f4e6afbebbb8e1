// Package targets is the list of all places that a service can run on.
package targets

import (
	"escala/infra/deploy"
	"escala/infra/targets/awsec2"
	"escala/infra/targets/awseks"
	"escala/infra/targets/dodoks"
	"escala/infra/targets/dodroplet"
	"escala/infra/targets/kubernetes"
	"escala/infra/targets/local"
)

// All makes the targets. A new one is a folder beside these and a line
// here.
func All() []deploy.Target {
	return []deploy.Target{
		local.New(),
		awsec2.New(),
		dodroplet.New(),
		kubernetes.New(),
		awseks.New(),
		dodoks.New(),
	}
}
