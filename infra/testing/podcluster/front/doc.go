// Package front simulates the parts that bring requests to the pods of a test
// cluster: kube-proxy, an ingress controller and the cluster's DNS. Each learns of
// pods from the EndpointSlices of the API server, with the same delay as in a real
// cluster. The ingress controller can be later still, since real ones reload.
//
// The ingress controller forwards as Traefik does, with the same proxy and
// transport of Go's own library: connections to pods are kept, and a request on a
// kept connection that a pod has closed is sent again only if that is safe. It
// replaces the X-Forwarded-… headers of clients, and sends requests to the
// endpoints themselves, not to the Service's address.
//
// On request it behaves as ingress-nginx does by default (proxy-next-upstream:
// error timeout): a request whose connection a pod refuses goes to another pod.
//
// For kube-proxy, a listener on each Service's address forwards connections to an
// endpoint that is ready, or else to one that serves while it ends (KEP-1669). Not
// simulated: annotations, classes, TLS and limits of ingress controllers, and
// network policies.
package front
