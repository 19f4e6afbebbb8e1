package kube

import "k8s.io/apimachinery/pkg/runtime/schema"

// These are the kinds that the tests read or write. A client needs no discovery for
// them.
var (
	Pods           = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	Nodes          = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
	Namespaces     = schema.GroupVersionResource{Version: "v1", Resource: "namespaces"}
	Services       = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	ConfigMaps     = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	Secrets        = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	Events         = schema.GroupVersionResource{Version: "v1", Resource: "events"}
	VolumeClaims   = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
	Deployments    = schema.GroupVersionResource{Group: "apps", Version: "v1", Resource: "deployments"}
	Autoscalers    = schema.GroupVersionResource{Group: "autoscaling", Version: "v2", Resource: "horizontalpodautoscalers"}
	Ingresses      = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}
	EndpointSlices = schema.GroupVersionResource{Group: "discovery.k8s.io", Version: "v1", Resource: "endpointslices"}
	APIServices    = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
)
