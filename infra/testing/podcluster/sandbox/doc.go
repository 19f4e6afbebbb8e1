// Package sandbox runs containers without a container runtime: each pod has a
// network of its own, each container its processes, its mounts, its root folder,
// its user and, where this computer has control groups, its memory limit. It is
// what runc does for a kubelet, without seccomp, AppArmor and user namespaces.
//
// It needs root, and belongs into a process of package isolated, so that the
// kernel removes everything with that process.
package sandbox
