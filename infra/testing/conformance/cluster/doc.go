// Package cluster is the service on a Kubernetes cluster as a system for the
// conformance suite, and the checks that only a cluster has: a number of pods
// that follows the load, nodes that are drained, images that cannot be pulled.
//
// The real program runs under the real engine; package applying stands in for
// pulumi-kubernetes. The cluster is whoever runs this's own: it is given by a
// kubeconfig, and everything that is made in it lies in one namespace, which must
// not be there before and is not there afterwards.
//
// What the cluster has to have: an ingress controller, metrics (for the check of
// the autoscaler), and a registry that this computer pushes to and the nodes pull
// from, by the same name. Where there is none,
//
//	go run ./infra/testing/conformance/cmd/registry -listen ADDRESS:5000
//
// is one in memory, on an address of this computer that the nodes reach. It speaks
// plain HTTP, which nodes have to be told:
//
//   - k3s: in /etc/rancher/k3s/registries.yaml, under mirrors, "ADDRESS:5000" with
//     the endpoint "http://ADDRESS:5000"; its ingress class is traefik;
//   - kind, and any other containerd with a config_path: in
//     certs.d/ADDRESS:5000/hosts.toml, server = "http://ADDRESS:5000"; with kind the
//     ingress controller is reached at a port of this computer (CONFORMANCE_URL).
//
// Then
//
//	KUBECONFIG=… CONFORMANCE_REGISTRY=ADDRESS:5000 make conformance TARGET=kubernetes
//	KUBECONFIG=… CONFORMANCE_REGISTRY=ADDRESS:5000 go test ./infra/testing/conformance/cluster -v -timeout 1h -args -cluster
//
// are the suite and the cluster's own checks. A pod is killed by deleting it
// without grace, which is as close to SIGKILL as a kubeconfig comes: it leaves the
// service at once and has two or three seconds to end.
package cluster
