// Package cluster runs the conformance suite against the service on a
// Kubernetes cluster, and adds the checks that only a cluster has: autoscaling
// with the load, drained nodes, and images that cannot be pulled.
//
// The real program runs under the real engine with Pulumi's own Kubernetes
// plugin: the release that go.mod names, which the engine installs, or the one
// in the folder that ESCALA_KUBERNETES_PLUGIN names (see package kubeplugin). The
// user provides the cluster by a kubeconfig. Everything that a run creates lies
// in one namespace, which must not exist before and is deleted afterwards.
//
// The cluster needs an ingress controller, metrics (for the check of the
// autoscaler), and a registry that this computer pushes to and the nodes pull
// from, by the same name. Without one,
//
//	go run ./infra/testing/conformance/cmd/registry -listen ADDRESS:5000
//
// runs a registry in memory, on an address of this computer that the nodes
// reach. It speaks plain HTTP, which the nodes must be configured for:
//
//   - k3s: in /etc/rancher/k3s/registries.yaml, under mirrors, "ADDRESS:5000" with
//     the endpoint "http://ADDRESS:5000"; its ingress class is traefik;
//   - kind, and any other containerd with a config_path: in
//     certs.d/ADDRESS:5000/hosts.toml, server = "http://ADDRESS:5000"; with kind the
//     ingress controller is reached at a port of this computer (CONFORMANCE_URL).
//
// These commands run the suite and the cluster's own checks:
//
//	KUBECONFIG=… CONFORMANCE_REGISTRY=ADDRESS:5000 make conformance TARGET=kubernetes
//	KUBECONFIG=… CONFORMANCE_REGISTRY=ADDRESS:5000 go test ./infra/testing/conformance/cluster -v -timeout 1h -args -cluster
//
// Without a cluster, on one in processes of this computer (package pods), with
// ESCALA_CONTROL_PLANE and ESCALA_KUBERNETES_PLUGIN as `make test-rest` sets them:
//
//	make conformance TARGET=cluster
//	go test ./infra/testing/conformance/cluster -v -timeout 1h -run 'TestCluster$' -args -pods
//
// A pod is killed by a deletion with a grace of one second, which is as close to
// SIGKILL as a kubeconfig allows: the pod leaves the service at once and has three
// seconds to end. Package pods kills the processes themselves.
package cluster
