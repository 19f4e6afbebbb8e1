// Package service holds the one description of what escala deploys: the
// service, how its workers live and end (Lifecycle), and what a release is.
//
// Every renderer (cloud-init, Kubernetes) and the service's own binary read
// these types, so that a value such as "requests in flight may take 20 s" is
// said once. The package knows neither Pulumi nor any cloud.
package service

import "slices"

// Spec describes one Go HTTP/WebSocket service. Make one with NewSpec, change
// what differs, then call Validate: a Spec is only rendered once it is valid.
type Spec struct {
	// Name is a DNS label. It names the service's user, folders, supervisor
	// program, Nginx upstream and Kubernetes objects. Default "api".
	Name string `config:"name"`
	// Port is where workers listen: all of them in WorkersShared mode, the
	// first one in WorkersPorts mode is on PortsBase instead. Default 3000.
	Port int `config:"port"`
	// HealthPath answers 200 as long as the process can answer at all.
	// Default "/health".
	HealthPath string `config:"healthPath"`
	// ReadyPath answers 200 while the worker wants traffic and 503 as soon as
	// it drains. Default "/ready".
	ReadyPath string `config:"readyPath"`
	// Host is the public host name, without scheme and port. Clusters route by
	// it; machines answer to every name, and do not use it. Default none: every
	// name and the bare address.
	Host string `config:"host"`
	// PathPrefix is the part of the host that is the service's. Paths reach the
	// service whole, prefix included, so HealthPath has to be below it. Machines
	// do not use it. Default "/".
	PathPrefix string `config:"pathPrefix"`
	// TrustedProxies are the addresses and networks of proxies in front of a
	// machine or a cluster that may speak for their clients (X-Forwarded-For and
	// -Proto). Default none on a machine, and in a cluster what its Ingress
	// needs.
	TrustedProxies []string `config:"trustedProxies"`
	// Env is given to the service as it is. It is not for secrets: it is
	// written to user-data and manifests in the clear.
	Env map[string]string `config:"env"`
	// Secrets are the names of environment variables whose values come from
	// the target's secret store.
	Secrets []string `config:"secrets"`

	Workers   Workers   `config:"workers"`
	Scale     Scale     `config:"scale"`
	Resources Resources `config:"resources"`
	Limits    Limits    `config:"limits"`
	WebSocket WebSocket `config:"webSocket"`
	Redis     Redis     `config:"redis"`
	Lifecycle Lifecycle `config:"lifecycle"`
}

// NewSpec returns a Spec with every default in place. Defaults stand here and
// in the New functions that it calls, and nowhere else.
func NewSpec() Spec {
	return Spec{
		Name:       "api",
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
	}
}

// Trusting returns the description with more proxies that may speak for their
// clients, unless Env has TRUSTED_PROXIES, which is the operator's own list.
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
