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
// from, by the same name. kind: its documentation's "local registry" (localhost:5001
// on both sides). k3s: a registry named in /etc/rancher/k3s/registries.yaml. For
// both, `go run ./infra/conformance/cmd/registry` is a registry in memory; the
// nodes' containerd must be told that it speaks plain HTTP.
package cluster
