package cluster

import "escala/service"

// Options say which cluster is tried, and what of it. Make them with NewOptions.
type Options struct {
	// Source is the clone that is tried; it is copied. Required.
	Source string
	// Folder is for the copy and the state. Required, and empty. It is removed
	// once everything is gone from the cluster.
	Folder string
	// Kubeconfig is the path of one. Required: nobody's current cluster is tried
	// by accident.
	Kubeconfig string
	// Context is the kubeconfig's current one by default.
	Context string
	// Registry is where images are pushed to and pulled from, "host:port" or
	// "host/path". Required.
	Registry string
	// IngressClass is the cluster's default class by default.
	IngressClass string
	// URL is where the ingress controller is reached, "http://host:port".
	// Default: the address that it gives to the Ingress.
	URL string
	// RedisImage is what rooms' Redis runs. Default: the workload's own.
	RedisImage string
	// Architectures that images are built for. Default: the stack's own.
	Architectures []string
	// Namespace is made and removed. Default "escala-conformance".
	Namespace string
}

// NewOptions returns the defaults.
func NewOptions() Options { return Options{Namespace: "escala-conformance"} }

// Validate reports everything that is missing at once.
func (o Options) Validate() error {
	var v service.Violations
	for _, required := range []struct{ name, value string }{
		{"source", o.Source},
		{"folder", o.Folder},
		{"kubeconfig", o.Kubeconfig},
		{"registry", o.Registry},
		{"namespace", o.Namespace},
	} {
		if required.value == "" {
			v.Add(required.name, "is not set")
		}
	}
	return v.Err()
}
