// Package sandbox runs containers without a container runtime. Each pod has a
// network of its own. Each container has its own processes, mounts, root folder,
// user and, where this computer has control groups, memory limit. The package does
// the work of runc for a kubelet, without seccomp, AppArmor and user namespaces.
//
// It needs root, and must run in a process of package isolated, so that the kernel
// removes everything with that process.
package sandbox
