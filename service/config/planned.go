package config

import (
	"errors"
	"strings"

	"escala/service"
)

// Planned returns the settings that a worker of the described service would
// refuse, as violations of the description. secrets holds the known values. A
// secret that is not yet known is not checked.
//
// It reads the planned environment with the worker's own reader, so that a plan
// and a worker cannot disagree.
func Planned(spec service.Spec, secrets map[string]string) service.Violations {
	if spec.Runtime == service.RuntimeNone {
		return nil // another program reads its own variables
	}
	env := spec.Environ()
	env[service.EnvWorkers] = "2" // Spec.Validate checks the needs of several workers
	if env[service.EnvRedis] == "" {
		env[service.EnvWorkers] = "1"
	}
	for name, value := range secrets {
		env[name] = value
	}
	_, err := ReadWorker(func(name string) string { return env[name] })
	var bad service.Violations
	if !errors.As(err, &bad) {
		return nil
	}
	var out service.Violations
	for _, one := range bad {
		path := "env." + one.Path
		switch _, secret := secrets[one.Path]; {
		case secret:
			path = "secrets." + one.Path
		case spec.Env[one.Path] != "":
		case spec.KeyOf(one.Path) != "":
			path = spec.KeyOf(one.Path)
		case strings.ToLower(one.Path) == one.Path: // a key of the lifecycle
			path = "lifecycle." + one.Path
		}
		out.Add(path, "%s", one.Problem)
	}
	return out
}
