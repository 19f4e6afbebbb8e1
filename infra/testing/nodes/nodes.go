// Package nodes simulates the parts of a cluster that the tests' control plane
// lacks: the scheduler, the nodes with their kubelets, the ingress controller, the
// load balancers, the volumes and metrics-server. No pod runs. Each gets the status
// that it would have.
package nodes

import (
	"context"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"escala/infra/testing/apiserver"
	"escala/infra/testing/fakecluster"
)

// Nodes simulates the nodes of one cluster. Change may replace its functions.
type Nodes struct {
	// Pull simulates the pull of an image. logins are the contents of the docker
	// configurations that the pod names. It returns the release in the image,
	// for X-Release, or "". Default: every image is on every node.
	Pull func(image string, logins []string) (release string, err error)
	// Run returns the failure of a started container that is restarted when it ends.
	// Default: no failure.
	Run func(Container) fakecluster.Trouble
	// Ends returns the end of a running container that is not restarted, such as
	// that of a Job. Nil means that it still runs. Default: it has ended with status
	// 0.
	Ends func(Container) *End
	// BackOff is the time until a kubelet starts a failed pod again. Default 0. Real
	// kubelets wait 10 s to 5 min.
	BackOff time.Duration
	// DeadAPIs leaves the APIs that the cluster's pods serve without an answer.
	// Default: the simulated metrics-server answers for them.
	DeadAPIs bool

	client      dynamic.Interface
	metricsPort int64

	mu sync.Mutex
	// running maps the UIDs of ready pods to their containers.
	running map[types.UID]Container
	// reported maps the UIDs of pods to the last status.
	reported map[types.UID]report
	// failed maps the UIDs of pods to the time of the last failed start.
	failed map[types.UID]time.Time
	// addresses counts the pods that got an address.
	addresses int
	// errors holds the unexpected answers of the API server.
	errors []error
}

// Container is a container at its start.
type Container struct {
	Namespace, Image string
	// Pod is the name of the container's pod. Command is the command in the pod's
	// description, without the image's.
	Pod     string
	Command []string
	// Env is the environment, including the values of ConfigMaps and Secrets.
	Env map[string]string
	// Release is the release that Pull returned.
	Release string

	began time.Time
	// once reports that the pod is not restarted. Such a pod receives no requests.
	once bool
}

// poll is the time between two rounds.
const poll = 50 * time.Millisecond

// Start simulates the nodes of a cluster until the test ends.
func Start(t testing.TB, server *apiserver.Server) *Nodes {
	t.Helper()
	client, err := dynamic.NewForConfig(server.Config())
	if err != nil {
		t.Fatalf("making a client: %v", err)
	}
	n := &Nodes{
		client: client, metricsPort: serveMetrics(t), running: map[types.UID]Container{}, reported: map[types.UID]report{},
		failed: map[types.UID]time.Time{},
		Ends:   func(Container) *End { return &End{} },
		Pull:   func(string, []string) (string, error) { return "", nil },
		Run:    func(Container) fakecluster.Trouble { return fakecluster.Trouble{} },
	}
	if err := n.addMetrics(t.Context()); err != nil {
		t.Fatalf("making the Service of the metrics: %v", err)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			n.round(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(poll):
			}
		}
	}()
	t.Cleanup(func() {
		stop()
		<-done
		n.mu.Lock()
		defer n.mu.Unlock()
		for _, err := range n.errors {
			t.Error(err)
		}
	})
	return n
}

// Change replaces functions between two rounds.
func (n *Nodes) Change(change func(*Nodes)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(n)
}

// Waiting returns the number of pods in a namespace whose container waits for the
// given reason, such as ErrImagePull.
func (n *Nodes) Waiting(namespace, reason string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	count := 0
	for _, waiting := range n.reported {
		if waiting.namespace == namespace && waiting.reason == reason {
			count++
		}
	}
	return count
}

// round reads the cluster once and makes all changes that are due.
func (n *Nodes) round(ctx context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, do := range []func(context.Context) error{n.pods, n.ingresses, n.loadBalancers, n.claims, n.metrics} {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			n.errors = append(n.errors, err)
		}
	}
}
