// Package kubernetes runs the service on a cluster. It is the workload of every
// cluster target (NewWorkload), and the target "kubernetes" itself: whatever
// cluster a kubeconfig reaches.
package kubernetes
