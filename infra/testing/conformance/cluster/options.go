package cluster

import "escala/service"

// Options selects the cluster and how to reach it. Make them with NewOptions.
type Options struct {
	// Source is the clone under test; it is copied. Required.
	Source string
	// Folder holds the copy and the state. It must be empty. It is removed when
	// everything is deleted from the cluster. Required.
	Folder string
	// Kubeconfig is the path of a kubeconfig. It is required, so that no run
	// uses the current cluster by accident.
	Kubeconfig string
	// Context is the context in the kubeconfig. Default: the current one.
	Context string
	// Registry is the registry for pushing and pulling images, "host:port" or
	// "host/path". Required.
	Registry string
	// IngressClass is the ingress class. Default: the cluster's default class.
	IngressClass string
	// URL is the address of the ingress controller, "http://host:port".
	// Default: the address in the status of the Ingress.
	URL string
	// RedisImage is the image of the rooms' Redis. Default: the workload's own.
	RedisImage string
	// Architectures are the architectures of the images. Default: the stack's
	// own.
	Architectures []string
	// Namespace is created and deleted by the run. Default
	// "escala-conformance".
	Namespace string
	// Name is the name of the target in reports. Default "kubernetes".
	Name string
	// About describes the cluster for readers of the report. Default: any cluster
	// with an ingress controller.
	About string
	// Kill kills the programs of a pod, as a crash does. Default nil: a kubeconfig
	// does not reach them, and the pod is deleted instead.
	Kill func(pod string) error
}

// NewOptions returns the defaults.
func NewOptions() Options {
	return Options{
		Namespace: "escala-conformance", Name: "kubernetes",
		About: "Pods of one process each behind an ingress controller, their number the autoscaler's (from 3), rooms over one Redis in the cluster.",
	}
}

// Validate reports all missing options at once.
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
