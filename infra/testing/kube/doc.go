// Package kube contains the objects of Kubernetes that a kubelet, kube-proxy and an
// ingress controller read, with the fields that they use. The types of k8s.io/api
// would compile all of Kubernetes' API into each test.
package kube
