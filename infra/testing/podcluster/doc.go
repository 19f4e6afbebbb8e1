// Package podcluster is a Kubernetes cluster in processes of this computer, whose
// pods really serve. Parts of it are Kubernetes' own: kube-apiserver, etcd, and the
// controllers of Deployments, Jobs, EndpointSlices, disruption budgets and
// autoscalers (package apiserver). The others are simulated: the scheduler and the
// kubelets (package kubelet), containers (package sandbox), kube-proxy, DNS and the
// ingress controller (package front), metrics-server, which here measures the
// containers' processes, and the registry, which is in memory.
//
// The package proves nothing about a cloud. It proves that the manifests and the
// release's binary work with the API server, the controllers and a kubelet that
// follows Kubernetes' sources, with the usual delays.
//
// A Cluster must run in a process of package isolated. It needs root.
package podcluster
