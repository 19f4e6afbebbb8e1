//go:build linux

package kubelet

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"escala/infra/testing/kube"
	"escala/infra/testing/podcluster/sandbox"
)

// Options configures kubelets.
type Options struct {
	// Client is the API client of an administrator.
	Client dynamic.Interface
	// Runtime runs the containers.
	Runtime *sandbox.Runtime
	// Folder holds images and volumes. It must exist.
	Folder string
	// Nodes are the names of the nodes.
	Nodes []string
	// Address is the address of all nodes, and of the kubelets' own server. It must
	// be an address of this process.
	Address netip.Addr
	// DNS is the address of the cluster's name server.
	DNS netip.Addr
}

// Kubelet simulates the kubelets of all nodes of a cluster. Make it with New.
type Kubelet struct {
	options Options
	images  *images
	reading gate

	mu      sync.Mutex
	nodes   map[string]kube.Node
	pods    map[types.UID]kube.Pod
	workers map[types.UID]*worker
	errors  []error
	running sync.WaitGroup
}

// New returns kubelets that do not run yet.
func New(o Options) (*Kubelet, error) {
	k := &Kubelet{
		options: o, images: newImages(filepath.Join(o.Folder, "images")),
		nodes: map[string]kube.Node{}, pods: map[types.UID]kube.Pod{}, workers: map[types.UID]*worker{},
	}
	for _, folder := range []string{"images", "pods"} {
		if err := os.MkdirAll(filepath.Join(o.Folder, folder), 0o755); err != nil {
			return nil, fmt.Errorf("making the kubelets' folders: %w", err)
		}
	}
	return k, nil
}

// Run registers the nodes and simulates them until ctx ends. Then it kills all
// containers, and returns the unexpected answers of the API server.
func (k *Kubelet) Run(ctx context.Context) error {
	for _, name := range k.options.Nodes {
		if err := k.register(ctx, name); err != nil {
			return err
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		kube.Follow(ctx, k.options.Client, kube.Nodes, k.node)
		return nil
	})
	group.Go(func() error {
		kube.Follow(ctx, k.options.Client, kube.Pods, func(c kube.Change) { k.pod(ctx, c) })
		return nil
	})
	group.Go(func() error { return k.serve(ctx) })
	err := group.Wait()
	k.HangLogs(false)
	k.running.Wait()
	k.mu.Lock()
	defer k.mu.Unlock()
	return errors.Join(append(k.errors, err)...)
}

// node records a node for the scheduler.
func (k *Kubelet) node(c kube.Change) {
	node, err := kube.Decode[kube.Node](c.Object)
	if err != nil {
		k.failed(err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if c.Deleted {
		delete(k.nodes, node.Name)
		return
	}
	k.nodes[node.Name] = node
}

// pod handles a change of a pod.
func (k *Kubelet) pod(ctx context.Context, c kube.Change) {
	p, err := kube.Decode[kube.Pod](c.Object)
	if err != nil {
		k.failed(err)
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	w := k.workers[p.UID]
	if c.Deleted {
		delete(k.pods, p.UID)
		delete(k.workers, p.UID)
		if w != nil {
			w.removed()
		}
		return
	}
	k.pods[p.UID] = p
	switch {
	case p.Spec.NodeName == "" && p.DeletionTimestamp == nil:
		k.running.Go(func() { k.schedule(ctx, p) })
	case p.Spec.NodeName == "":
	case p.DeletionTimestamp != nil && (w == nil || w.finished.Load()):
		k.running.Go(func() { k.failed(k.deletePod(ctx, p)) })
	case p.DeletionTimestamp != nil:
		w.terminate(p.DeletionGracePeriodSeconds)
	case w == nil && !p.Ended():
		w = newWorker(k, p)
		// The worker stays after the pod's end, with the logs, until the API deletes
		// the pod.
		k.workers[p.UID] = w
		k.running.Go(func() { w.run(ctx) })
	}
}

// worker returns the worker of a pod, or nil.
func (k *Kubelet) worker(namespace, name string) *worker {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, w := range k.workers {
		if w.pod.Namespace == namespace && w.pod.Name == name {
			return w
		}
	}
	return nil
}

// Kill kills the processes of a pod's containers as a crash does, without a notice
// to them or to Kubernetes. It returns an error if the pod does not run.
func (k *Kubelet) Kill(namespace, pod string) error {
	w := k.worker(namespace, pod)
	if w == nil || !w.kill() {
		return fmt.Errorf("pod %s/%s does not run", namespace, pod)
	}
	return nil
}

// HangLogs stops or resumes the reading of the containers' output, like a container
// runtime that hangs.
func (k *Kubelet) HangLogs(on bool) { k.reading.set(on) }

// failed records an error, except those of races and of the end of a run.
func (k *Kubelet) failed(err error) {
	if err == nil || apierrors.IsNotFound(err) || apierrors.IsConflict(err) || errors.Is(err, context.Canceled) {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.errors = append(k.errors, err)
}
