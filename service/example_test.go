package service_test

import (
	"fmt"
	"time"

	"escala/service"
)

// A description starts with the defaults. Change fields, then validate: all
// mistakes are reported together, with the path of each key.
func ExampleSpec_Validate() {
	spec := service.NewSpec()
	spec.Workers.Count = 1
	spec.Lifecycle.Drain = time.Minute

	fmt.Println(spec.Validate())
	// Output:
	// workers.count: 1 is not from 2 to 64 (one worker must serve while another is replaced)
	// lifecycle.stop: 30s is too short: announce (5s) + drain (1m0s) + 2s to say what was still open is 1m7s; the supervisor would kill a worker that is still draining
}

// Workers get their values as environment variables on every target.
func ExampleSpec_Environ() {
	spec := service.NewSpec()
	spec.Env = map[string]string{"WHO": "world"}

	env := spec.Environ()
	fmt.Println(env["WHO"], env[service.EnvReadyPath], env["DRAIN_TIMEOUT"], env["GOMEMLIMIT"])
	// Output:
	// world /ready 20s 230MiB
}

// A worker reads its lifecycle from its environment. A missing value has its
// default. A bad value is reported with the variable's name.
func ExampleLifecycleFrom() {
	env := map[string]string{"DRAIN_TIMEOUT": "45s"}
	lifecycle, err := service.LifecycleFrom(func(name string) string { return env[name] })
	fmt.Println(lifecycle.Drain, lifecycle.Linger, err)

	env["DRAIN_LINGER"] = "2"
	_, err = service.LifecycleFrom(func(name string) string { return env[name] })
	fmt.Println(err)
	// Output:
	// 45s 2s <nil>
	// DRAIN_LINGER: "2" is not a duration of 0 or more; for example "2s"
}

// A proxy must close an idle connection before the worker does. UpstreamIdle is
// the idle time for the proxy.
func ExampleLifecycle_UpstreamIdle() {
	lifecycle := service.NewLifecycle()
	lifecycle.Linger = 4 * time.Second
	fmt.Println(lifecycle.UpstreamIdle())
	// Output: 2s
}

// The object "current" in a release store names the release that machines run.
// A truncated pointer is an error and never another release.
func ExampleParsePointer() {
	const id = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
	release, err := service.ParsePointer(id + " 14700000\n")
	fmt.Println(release.Short(), release.Size, release.Key() == "releases/"+id, err)

	_, err = service.ParsePointer(id + " 147")
	fmt.Println(err != nil)
	// Output:
	// 9f86d081884c 14700000 true <nil>
	// true
}

// Violations collects errors during a check. Err returns nil if there are none.
func ExampleViolations() {
	check := func(port int, name string) error {
		var v service.Violations
		if port < 1024 {
			v.Add("port", "%d is below 1024", port)
		}
		if name == "" {
			v.Add("name", "is empty")
		}
		return v.Under("service").Err()
	}
	fmt.Println(check(3000, "api"))
	fmt.Println(check(80, ""))
	// Output:
	// <nil>
	// service.port: 80 is below 1024
	// service.name: is empty
}
