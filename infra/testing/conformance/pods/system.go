//go:build linux

// Package pods runs the conformance suite on a cluster in processes of this
// computer (package podcluster): Kubernetes' own API server and controllers, and
// pods that serve. It needs root, the control plane (`make
// bin/kubernetes/controlplane`), Pulumi's Kubernetes plugin, redis-server and
// iproute2, and no cluster.
//
// Beside what a kubeconfig allows, it kills the processes in pods and stops reading
// what they print.
package pods

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"

	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/cluster"
	"escala/infra/testing/podcluster"
)

// System is the service on a cluster in processes. Make one with New.
type System struct {
	*cluster.System

	// Cluster is the cluster that runs the service.
	Cluster *podcluster.Cluster
}

var _ conformance.System = (*System)(nil)

// New starts a cluster for the clone at root, which Stop ends.
func New(ctx context.Context, root string) (*System, error) {
	c, err := podcluster.Start(ctx, podcluster.NewOptions(root))
	if err != nil {
		return nil, err
	}
	s, err := newSystem(c, root)
	if err != nil {
		return nil, errors.Join(err, c.Stop())
	}
	return s, nil
}

func newSystem(c *podcluster.Cluster, root string) (*System, error) {
	folder, err := os.MkdirTemp("", "conformance-cluster-")
	if err != nil {
		return nil, fmt.Errorf("making a folder: %w", err)
	}
	o := cluster.NewOptions()
	o.Name, o.Source, o.Folder = "cluster", root, folder
	o.Kubeconfig, o.Registry, o.RedisImage = c.Kubeconfig, c.Registry, c.RedisImage
	// The nodes run programs of this computer's architecture only.
	o.Architectures = []string{runtime.GOARCH}
	o.Kill = func(pod string) error { return c.Kubelet.Kill(o.Namespace, pod) }
	o.About = "Kubernetes' own API server and controllers, on this computer; pods are processes with networks of their own on two played nodes, " +
		"from three pods on, as many as the autoscaler wants, with rooms over one Redis. The played ingress controller learns of pods a second late. " +
		"It sends no request twice, but for the checks that kill: there a request whose connection is refused goes to another pod, as with ingress-nginx."
	s, err := cluster.New(o)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(folder))
	}
	return &System{System: s, Cluster: c}, nil
}

// Release implements conformance.System.
func (s *System) Release(ctx context.Context, name string) error {
	s.Cluster.Front.Retry(false)
	return s.System.Release(ctx, name)
}

// ReleaseBad implements conformance.System.
func (s *System) ReleaseBad(ctx context.Context, bad conformance.Bad) (string, error) {
	s.Cluster.Front.Retry(false)
	return s.System.ReleaseBad(ctx, bad)
}

// Rollback implements conformance.System.
func (s *System) Rollback(ctx context.Context) error {
	s.Cluster.Front.Retry(false)
	return s.System.Rollback(ctx)
}

// Inject implements conformance.System. A killed pod refuses connections before the
// ingress controller can learn of the kill, so the controller tries another pod for
// each refused connection until the next release.
func (s *System) Inject(ctx context.Context, fault conformance.Fault) (conformance.Injection, error) {
	s.Cluster.Front.Retry(true)
	if fault == conformance.HangLogReader {
		s.Cluster.Kubelet.HangLogs(true)
		return conformance.Injection{At: time.Now(), Heal: func(context.Context) error {
			s.Cluster.Kubelet.HangLogs(false)
			return nil
		}}, nil
	}
	return s.System.Inject(ctx, fault)
}

// Stop implements conformance.System.
func (s *System) Stop(ctx context.Context) error {
	return errors.Join(s.System.Stop(ctx), s.Cluster.Stop())
}
