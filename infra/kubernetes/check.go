package kubernetes

import (
	"escala/infra/target"
	"escala/service"
)

// Check reports what is wrong with a service on a cluster. section is the key of
// the target's settings, for the paths. Every cluster target calls it in its own
// Check.
func Check(r target.Request, s WorkloadSettings, section string) service.Violations {
	var v service.Violations
	return v
}
