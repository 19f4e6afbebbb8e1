// Package front plays what brings requests to the pods of a cluster of tests:
// kube-proxy, an ingress controller and the cluster's DNS. Each learns of pods from
// the EndpointSlices of the API server, so as late as it would in a cluster; the
// ingress controller can be later still, since real ones reload.
//
// The ingress controller forwards as Traefik does, with the same proxy and
// transport of Go's own library: connections to pods are kept, and a request on a
// kept connection that a pod has closed is sent again only if that is safe. It
// replaces what clients claim in X-Forwarded-…, and sends requests to the endpoints
// themselves, not to the Service's address.
//
// On request it does as ingress-nginx by default (proxy-next-upstream: error
// timeout): a request whose connection a pod refuses goes to another pod.
//
// kube-proxy is played by a listener on each Service's address that forwards
// connections to an endpoint that is ready, else to one that serves while it ends
// (KEP-1669). Annotations, classes, TLS and limits of ingress controllers are not
// played, nor are network policies.
package front
