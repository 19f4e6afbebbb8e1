// Package service describes what escala deploys: the service, the life cycle of
// its workers (Lifecycle), and what a release is.
//
// Every renderer (cloud-init, Kubernetes) and the service's own binary read
// these types, so that a value such as the time limit of 20 s for requests in
// flight is defined once. The package depends neither on Pulumi nor on any
// cloud.
package service

import "slices"

// Spec describes one Go HTTP/WebSocket service. Create it with NewSpec, change
// fields, then call Validate: only a valid Spec is rendered.
type Spec struct {
	// Name is a DNS label. It names the service's user, folders, supervisor
	// program, Nginx upstream and Kubernetes objects. Default "api".
	Name string `config:"name"`
	Program
	// Rollout holds the settings of a rollout besides the replacement of the
	// workers.
	Rollout `config:"release"`
	// Port is the port of all workers in WorkersShared mode. In WorkersPorts
	// mode, PortsBase is the first worker's port instead. Default 3000.
	Port int `config:"port"`
	// HealthPath answers 200 as long as the process can answer. Default
	// "/health".
	HealthPath string `config:"healthPath"`
	// ReadyPath answers 200 while the worker accepts traffic, and 503 as soon
	// as it drains. Default "/ready".
	ReadyPath string `config:"readyPath"`
	// Host is the public host name, without scheme and port. Clusters route by
	// it. Machines answer to every name, and get a certificate for this one.
	// Default none: the service answers to every name and to the bare address.
	Host string `config:"host"`
	// DNS creates the record of the host if the zone is in the target's cloud.
	// Default false.
	DNS bool `config:"dns"`
	// PathPrefix is the service's part of the host. Requests keep the prefix in
	// their path, so HealthPath must be below it. Machines do not use it.
	// Default "/".
	PathPrefix string `config:"pathPrefix"`
	// TrustedProxies are the addresses and networks of proxies in front of a
	// machine or a cluster whose headers about the client are believed
	// (X-Forwarded-For and -Proto). Default none on a machine, and in a cluster
	// the networks that its Ingress needs.
	TrustedProxies []string `config:"trustedProxies"`
	// Env is passed to the service unchanged. It must not contain secrets,
	// because user-data and manifests contain it unencrypted.
	Env map[string]string `config:"env"`
	// Secrets are the names of environment variables whose values come from
	// the target's secret store.
	Secrets []string `config:"secrets"`

	// Processes are the service's processes besides the workers, by name. Default
	// none.
	Processes map[string]Process `config:"processes"`
	// Schedule holds the commands that run at certain times, by name. Default
	// none.
	Schedule map[string]Schedule `config:"schedule"`

	Workers   Workers   `config:"workers"`
	Scale     Scale     `config:"scale"`
	Resources Resources `config:"resources"`
	Limits    Limits    `config:"limits"`
	WebSocket WebSocket `config:"webSocket"`
	Redis     Redis     `config:"redis"`
	Lifecycle Lifecycle `config:"lifecycle"`
	TLS       TLS       `config:"tls"`
	Metrics   Metrics   `config:"metrics"`
}

// Rollout holds the settings of a release's rollout.
type Rollout struct {
	// ReleaseCommand runs once for each release, before its first worker.
	ReleaseCommand
	// Bake watches each release once it serves.
	Bake
}

// NewSpec returns a Spec with all defaults. Defaults are only here and in the
// New functions that it calls.
func NewSpec() Spec {
	return Spec{
		Name:    "api",
		Program: NewProgram(),

		Rollout: Rollout{ReleaseCommand: NewReleaseCommand(), Bake: NewBake()},

		Port:       3000,
		HealthPath: "/health",
		ReadyPath:  "/ready",
		PathPrefix: "/",
		Workers:    NewWorkers(),
		Scale:      NewScale(),
		Resources:  NewResources(),
		Limits:     NewLimits(),
		WebSocket:  NewWebSocket(),
		Redis:      NewRedis(),
		Lifecycle:  NewLifecycle(),
		TLS:        NewTLS(),
	}
}

// Trusting returns the description with more trusted proxies. It changes
// nothing if Env has TRUSTED_PROXIES, which is the operator's own list.
func (s Spec) Trusting(networks ...string) Spec {
	if _, own := s.Env[EnvTrustedProxies]; own {
		return s
	}
	s.TrustedProxies = slices.Clone(s.TrustedProxies)
	for _, one := range networks {
		if !slices.Contains(s.TrustedProxies, one) {
			s.TrustedProxies = append(s.TrustedProxies, one)
		}
	}
	return s
}
