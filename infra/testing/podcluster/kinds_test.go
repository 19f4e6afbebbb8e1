//go:build linux

package podcluster_test

import (
	"k8s.io/apimachinery/pkg/runtime/schema"

	"escala/infra/testing/kube"
)

// resource is a kind of objects that the tests make.
type resource struct {
	version, kind string
	of            schema.GroupVersionResource
}

var (
	namespaces = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	accounts   = schema.GroupVersionResource{Version: "v1", Resource: "serviceaccounts"}

	podKind        = resource{"v1", "Pod", kube.Pods}
	serviceKind    = resource{"v1", "Service", kube.Services}
	configMapKind  = resource{"v1", "ConfigMap", kube.ConfigMaps}
	ingressKind    = resource{"networking.k8s.io/v1", "Ingress", kube.Ingresses}
	deploymentKind = resource{"apps/v1", "Deployment", schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}}
	jobKind        = resource{"batch/v1", "Job", schema.GroupVersionResource{Group: "batch", Version: "v1", Resource: "jobs"}}
)
