// Package targets lists all targets that a service can run on.
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

// All returns all targets, with their default settings. A new target is a folder
// here and a line in this function.
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
