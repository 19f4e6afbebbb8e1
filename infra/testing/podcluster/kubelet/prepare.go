//go:build linux

package kubelet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	apiresource "k8s.io/apimachinery/pkg/api/resource"

	"escala/infra/testing/kube"
	"escala/infra/testing/podcluster/sandbox"
)

// prepare returns the description of the program to run, or the error in the
// container's description.
func (c *container) prepare(ctx context.Context) (sandbox.Spec, error) {
	w, security := c.worker, c.spec.SecurityContext
	none := sandbox.Spec{}
	uid, gid, numeric := user(c.image.config)
	for _, of := range []kube.SecurityContext{w.pod.Spec.SecurityContext, security} {
		if of.RunAsUser != nil {
			uid, numeric = int(*of.RunAsUser), true
		}
		if of.RunAsGroup != nil {
			gid = int(*of.RunAsGroup)
		}
	}
	mustNotBeRoot := w.pod.Spec.SecurityContext.RunAsNonRoot
	if security.RunAsNonRoot != nil {
		mustNotBeRoot = security.RunAsNonRoot
	}
	switch {
	case isTrue(mustNotBeRoot) && !numeric:
		return none, fmt.Errorf("container has runAsNonRoot and image has non-numeric user (%s), cannot verify user is non-root", c.image.config.User)
	case isTrue(mustNotBeRoot) && uid == 0:
		return none, errors.New("container has runAsNonRoot and image will run as root")
	}
	c.user, c.group = uid, gid
	env, err := w.environment(ctx, c.spec, c.image.config.Env)
	if err != nil {
		return none, err
	}
	args := expandAll(c.spec.Command, env)
	if len(args) == 0 {
		args = slices.Clone(c.image.config.Entrypoint)
		if len(c.spec.Args) == 0 {
			args = append(args, c.image.config.Cmd...)
		}
	}
	args = append(args, expandAll(c.spec.Args, env)...)
	if len(args) == 0 {
		return none, errors.New("no command specified")
	}
	mounts, err := c.mounts()
	if err != nil {
		return none, err
	}
	spec := sandbox.Spec{
		Root: c.image.root, ReadOnly: isTrue(security.ReadOnlyRootFilesystem), Mounts: mounts, Hostname: w.pod.Name,
		Folder: cmp.Or(c.spec.WorkingDir, c.image.config.WorkingDir, "/"), User: uid, Group: gid, Args: args,
		DropCaps: security.Capabilities != nil && slices.Contains(security.Capabilities.Drop, "ALL"),
		NoNew:    security.AllowPrivilegeEscalation != nil && !*security.AllowPrivilegeEscalation,
	}
	for _, name := range slices.Sorted(maps.Keys(env)) {
		spec.Env = append(spec.Env, name+"="+env[name])
	}
	return spec, nil
}

// mounts returns the pod's volumes and its files of host names.
func (c *container) mounts() ([]sandbox.Mount, error) {
	w := c.worker
	folder := w.folder()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, err
	}
	hosts := filepath.Join(folder, "hosts")
	resolver := filepath.Join(folder, "resolv.conf")
	domain := "svc.cluster.local cluster.local"
	for path, content := range map[string]string{
		hosts:    fmt.Sprintf("127.0.0.1\tlocalhost\n%s\t%s\n", w.sandbox.Address, w.pod.Name),
		resolver: fmt.Sprintf("search %s.%s\nnameserver %s\noptions ndots:5\n", w.pod.Namespace, domain, w.kubelet.options.DNS),
	} {
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			return nil, err
		}
	}
	mounts := []sandbox.Mount{
		{From: hosts, To: "/etc/hosts", ReadOnly: true}, {From: resolver, To: "/etc/resolv.conf", ReadOnly: true},
	}
	for _, m := range c.spec.VolumeMounts {
		i := slices.IndexFunc(w.pod.Spec.Volumes, func(v kube.Volume) bool { return v.Name == m.Name })
		if i < 0 || w.pod.Spec.Volumes[i].EmptyDir == nil {
			return nil, fmt.Errorf("volume %s is not an emptyDir, and nothing else is played here", m.Name)
		}
		at := filepath.Join(folder, "volume-"+m.Name)
		if err := os.MkdirAll(at, 0o777); err != nil {
			return nil, err
		}
		if err := os.Chmod(at, 0o777); err != nil { // independent of the umask
			return nil, err
		}
		mounts = append(mounts, sandbox.Mount{From: at, To: m.MountPath, ReadOnly: m.ReadOnly})
	}
	return mounts, nil
}

// memory returns the memory limit in bytes, or 0 without a limit.
func (c *container) memory() int64 {
	amount, err := apiresource.ParseQuantity(c.spec.Resources.Limits["memory"])
	if err != nil {
		return 0
	}
	return amount.Value()
}
