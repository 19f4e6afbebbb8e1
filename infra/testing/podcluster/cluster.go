//go:build linux

package podcluster

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/dynamic"

	"escala/infra/testing/apiserver"
	"escala/infra/testing/podcluster/front"
	"escala/infra/testing/podcluster/kubelet"
	"escala/infra/testing/podcluster/sandbox"
)

// Options configures a cluster. Make them with NewOptions.
type Options struct {
	// Root is the clone. The cluster's programs are built in it.
	Root string
	// Lag is the delay with which the ingress controller learns of pods, after the
	// API server. Default 1 s.
	Lag time.Duration
	// Nodes is the number of nodes. Default 2.
	Nodes int
}

// NewOptions returns the defaults.
func NewOptions(root string) Options { return Options{Root: root, Lag: time.Second, Nodes: 2} }

// These are the addresses of the cluster, in a network that only the cluster uses.
var (
	podNetwork     = netip.MustParsePrefix("10.244.0.0/16")
	serviceNetwork = netip.MustParsePrefix("10.0.0.0/24") // envtest's
	nodeAddress    = netip.MustParseAddr("10.244.0.1")
	nameServer     = netip.MustParseAddr("10.0.0.10")
	ingressAddress = netip.MustParseAddr("172.31.0.10")
)

// Cluster is a running cluster.
type Cluster struct {
	// Kubeconfig is the path of an administrator's kubeconfig.
	Kubeconfig string
	// Registry is the address of the registry, host:port.
	Registry string
	// RedisImage is the reference of an image with this computer's Redis.
	RedisImage string
	// URL is the address of the ingress controller.
	URL string
	// LimitsMemory reports whether the containers' memory limits are enforced.
	// Kubelet runs the pods, and Front forwards requests to them.
	LimitsMemory bool
	Kubelet      *kubelet.Kubelet
	Front        *front.Front

	server *apiserver.Server
	folder string
	stop   context.CancelFunc
	group  *errgroup.Group
}

// Start starts a cluster. Stop ends it.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	folder, err := os.MkdirTemp("", "podcluster-")
	if err != nil {
		return nil, fmt.Errorf("making the cluster's folder: %w", err)
	}
	// The users of the containers must be able to enter the folder.
	if err := os.Chmod(folder, 0o755); err != nil {
		return nil, fmt.Errorf("making the cluster's folder: %w", err)
	}
	c := &Cluster{folder: folder, stop: func() {}, group: &errgroup.Group{}}
	if err := c.start(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("starting the cluster: %w", err), c.Stop())
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, o Options) error {
	network, err := sandbox.NewNetwork(ctx, podNetwork)
	if err != nil {
		return err
	}
	for _, own := range []netip.Prefix{serviceNetwork, netip.PrefixFrom(ingressAddress, 32)} {
		if err := sandbox.Local(ctx, own); err != nil {
			return err
		}
	}
	runtime, err := sandbox.NewRuntime(ctx, o.Root, c.folder, network)
	if err != nil {
		return err
	}
	c.LimitsMemory = runtime.LimitsMemory()
	if c.server, err = apiserver.New(); err != nil {
		return err
	}
	c.Kubeconfig = c.server.Kubeconfig
	client, err := dynamic.NewForConfig(c.server.Config())
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	names := make([]string, o.Nodes)
	for i := range names {
		names[i] = fmt.Sprintf("node-%d", i+1)
	}
	c.Kubelet, err = kubelet.New(kubelet.Options{
		Client: client, Runtime: runtime, Folder: filepath.Join(c.folder, "kubelet"), Nodes: names, Address: nodeAddress, DNS: nameServer,
	})
	if err != nil {
		return err
	}
	c.Front = front.New(front.Options{Client: client, Address: ingressAddress, DNS: nameServer, Lag: o.Lag})
	c.URL = "http://" + ingressAddress.String()

	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	c.stop = stop
	if err := c.startRegistry(running); err != nil {
		return err
	}
	if c.RedisImage, err = pushRedis(ctx, c.Registry); err != nil {
		return err
	}
	m := &metrics{kubelet: c.Kubelet}
	if err := m.start(running, client, c.group); err != nil {
		return err
	}
	c.group.Go(func() error { return c.Kubelet.Run(running) })
	c.group.Go(func() error { return c.Front.Run(running) })
	return nil
}

// Stop ends the cluster and everything that runs in it. The error contains the
// unexpected errors of the whole run.
func (c *Cluster) Stop() error {
	c.stop()
	err := c.group.Wait()
	if c.server != nil {
		err = errors.Join(err, c.server.Stop())
	}
	return errors.Join(err, os.RemoveAll(c.folder))
}
