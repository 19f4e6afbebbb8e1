// Package nodes acts as the parts of a cluster that a control plane of tests
// lacks: the scheduler, the nodes with their kubelets, the ingress controller,
// the load balancers, the volumes and metrics-server. No pod runs; each gets the
// status that it would have.
package nodes

import (
	"context"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"escala/infra/testing/apiserver"
	"escala/infra/testing/fakecluster"
)

// Nodes acts for one cluster. Its functions may be replaced by Change.
type Nodes struct {
	// Pull simulates the pull of an image. logins are the contents of the docker
	// configurations that the pod names. It returns the release in the image,
	// for X-Release, or "". Default: every image is on every node.
	Pull func(image string, logins []string) (release string, err error)
	// Run returns the failure of a container that has started and is restarted when it
	// ends. Default none.
	Run func(Container) fakecluster.Trouble
	// Ends returns the end of a running container that is not restarted, as those of
	// Jobs are; nil while it goes on. Default: it has ended well.
	Ends func(Container) *End
	// BackOff is the time for which a kubelet leaves a pod alone that could not be
	// started. Default 0; kubelets' are 10 s to 5 min.
	BackOff time.Duration
	// DeadAPIs leaves APIs of the cluster's pods without an answer. Default: a
	// metrics-server answers for them.
	DeadAPIs bool

	client      dynamic.Interface
	metricsPort int64

	mu sync.Mutex
	// running maps the UIDs of ready pods to what runs in them.
	running map[types.UID]Container
	// reported maps the UIDs of pods to the last status.
	reported map[types.UID]report
	// failed maps the UIDs of pods to the last time that a start failed.
	failed map[types.UID]time.Time
	// addresses counts the pods that got an address.
	addresses int
	// errors are unexpected answers of the API server.
	errors []error
}

// Container is a container as it starts.
type Container struct {
	Namespace, Image string
	// Pod is the name of its pod. Command is the pod's, without the image's.
	Pod     string
	Command []string
	// Env is the environment, with the values of ConfigMaps and Secrets.
	Env map[string]string
	// Release is what Pull returned.
	Release string

	began time.Time
	// once means that its pod is not restarted. Nothing sends requests to it.
	once bool
}

// poll is the time between two looks at the cluster.
const poll = 50 * time.Millisecond

// Start acts for a cluster until the test ends.
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

// Change replaces functions between two looks.
func (n *Nodes) Change(change func(*Nodes)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(n)
}

// Waiting returns the number of a namespace's pods whose container waits for a
// reason, such as ErrImagePull.
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

// round looks once and does what is to do.
func (n *Nodes) round(ctx context.Context) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, do := range []func(context.Context) error{n.pods, n.ingresses, n.loadBalancers, n.claims, n.metrics} {
		if err := do(ctx); err != nil && ctx.Err() == nil {
			n.errors = append(n.errors, err)
		}
	}
}

// These are the kinds that are acted on.
var (
	podKind       = schema.GroupVersionResource{Version: "v1", Resource: "pods"}
	serviceKind   = schema.GroupVersionResource{Version: "v1", Resource: "services"}
	configMapKind = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	secretKind    = schema.GroupVersionResource{Version: "v1", Resource: "secrets"}
	claimKind     = schema.GroupVersionResource{Version: "v1", Resource: "persistentvolumeclaims"}
	ingressKind   = schema.GroupVersionResource{Group: "networking.k8s.io", Version: "v1", Resource: "ingresses"}
	apiKind       = schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"}
)
