package acceptance

import (
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/require"
	"k8s.io/client-go/tools/clientcmd"

	"escala/infra/build/image"
	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
	"escala/infra/testing/cloudfake"
	"escala/infra/testing/fakecluster"
)

// managed is one of the clouds that create the cluster themselves.
type managed struct {
	stack, section string
	// cluster is the resource type of the cluster.
	cluster string
	// user and password are the login to the cloud's registry.
	user, password string
	record         func(offline.Effect) *offline.Provider
	// aws is the account for EKS. Optional: by default each stack has its own.
	aws *cloudfake.AWS
	// wrapEffect wraps an effect in that of an account that also sees the cluster's
	// objects. Optional.
	wrapEffect func(offline.Effect) offline.Effect
	// connect connects the cloud's resources to their simulations.
	connect func(m *managedStack, e *offline.Event)
}

var eks = managed{
	stack: "aws-eks", section: "eks", cluster: "aws:eks/cluster:Cluster",
	user: "AWS", password: "recorded-login",
	connect: func(m *managedStack, e *offline.Event) {
		switch e.Type {
		case "aws:eks/cluster:Cluster":
			set(e, "endpoint", m.apiOf(e.Name))
			e.Outputs["certificateAuthority"] = resource.NewProperty(resource.PropertyMap{"data": resource.NewProperty(m.ca)})
		case "aws:ecr/repository:Repository":
			set(e, "repositoryUrl", m.registry+"/"+e.ID)
		}
	},
}

var doks = managed{
	stack: "do-doks", section: "doks", cluster: "digitalocean:index/kubernetesCluster:KubernetesCluster",
	user: account, password: account, record: clouds.DigitalOcean,
	connect: func(m *managedStack, e *offline.Event) {
		switch e.Type {
		case "digitalocean:index/kubernetesCluster:KubernetesCluster":
			set(e, "endpoint", m.apiOf(e.Name))
			e.Outputs["kubeConfigs"] = resource.MakeSecret(resource.NewProperty([]resource.PropertyValue{
				resource.NewProperty(resource.PropertyMap{
					"clusterCaCertificate": resource.NewProperty(m.ca), "token": resource.NewProperty(clouds.RecordedToken),
				}),
			}))
			if m.version != "" {
				set(e, "version", m.version)
				// The provider also reads it back into the inputs.
				e.Inputs["version"] = resource.NewProperty(m.version)
			}
		case "digitalocean:index/containerRegistry:ContainerRegistry":
			set(e, "endpoint", m.registry+"/"+e.ID)
		case "digitalocean:index/containerRegistryDockerCredentials:ContainerRegistryDockerCredentials":
			e.Outputs["dockerCredentials"] = resource.MakeSecret(resource.NewProperty(fmt.Sprintf(`{"auths":{%q:{"auth":"read-only"}}}`, m.registry)))
		}
	},
}

// everyManaged runs a test for each of them.
func everyManaged(t *testing.T, test func(t *testing.T, c managed)) {
	t.Helper()
	for _, c := range []managed{eks, doks} {
		t.Run(c.stack, func(t *testing.T) {
			t.Parallel()
			test(t, c)
		})
	}
}

// managedStack is a stack that creates its cluster, with the simulated cluster
// and registry.
type managedStack struct {
	*stack
	managed managed
	// inside is the cluster's own provider, and cluster the cluster. They are
	// nil if the cluster is a real API server.
	inside  *offline.Provider
	cluster *fakecluster.Cluster
	// url is the address of the ingress controller.
	url      string
	registry string
	// api and ca are the address of the cluster's API and its certificate
	// authority.
	api, ca string
	// others holds the clusters of services with other names, by name.
	others map[string]place
	// aws is the account on EKS. slow is the number of requests that the API
	// refuses after a principal got access. unreachable is the error of the
	// Kubernetes provider's configuration.
	aws         *cloudfake.AWS
	slow        int
	unreachable error
	// version is the cluster's version, if it differs from the requested one.
	version string

	mu      sync.Mutex
	journal []string
	pushed  int
}

func openManaged(t *testing.T, c managed) *managedStack {
	t.Helper()
	m := newManaged(t, c)
	m.cluster = fakecluster.New()
	t.Cleanup(m.cluster.Close)
	m.url, m.api = m.cluster.URL(), m.serve(t, m.cluster)
	effect := m.inCluster
	if m.aws != nil {
		effect = m.aws.Effect(m.inCluster)
		m.cluster.Hostname = "k8s-api-api-0123456789-0123456789.eu-central-1.elb.amazonaws.com"
		m.aws.Balance("api", m.cluster.Hostname)
	}
	if c.wrapEffect != nil {
		effect = c.wrapEffect(effect)
	}
	m.inside = clouds.Kubernetes(func(e *offline.Event) error {
		if err := m.refused(); err != nil {
			return err
		}
		m.note(e)
		return effect(e)
	}).WhenConfigured(func(resource.PropertyMap) error { return m.connect() })
	m.open(t, cloud{extraProviders: []*offline.Provider{m.inside}})
	return m
}

// place is a cluster beside the first one.
type place struct {
	cluster *fakecluster.Cluster
	api     string
}

// serve connects a cluster to the stack's registry, and returns the address of
// its API.
func (m *managedStack) serve(t *testing.T, cluster *fakecluster.Cluster) string {
	t.Helper()
	cluster.Pull = m.pull
	config, err := clientcmd.Load([]byte(cluster.Kubeconfig()))
	require.NoError(t, err)
	api := config.Clusters["fake"].Server
	if m.aws != nil {
		return m.guardAPI(t, forward(t, api, nil))
	}
	cluster.Private = m.registry
	return api
}

// rename gives the service another name, which has a cluster of its own.
func (m *managedStack) rename(t *testing.T, name string) {
	t.Helper()
	cluster := fakecluster.New()
	t.Cleanup(cluster.Close)
	cluster.Hostname = strings.Replace(m.cluster.Hostname, "api-api", name+"-"+name, 1)
	if m.aws != nil {
		m.aws.Balance(name, cluster.Hostname)
	}
	m.others[name] = place{cluster, m.serve(t, cluster)}
	m.url = cluster.URL()
}

// inCluster carries out an operation in the cluster of the resource's service.
func (m *managedStack) inCluster(e *offline.Event) error {
	for name, other := range m.others {
		if strings.HasPrefix(e.Name, name+"-") {
			if e.Operation == offline.Create {
				// Objects of two clusters may have the same name.
				e.ID = name + ":" + e.ID
			}
			return other.cluster.Effect(e)
		}
	}
	return m.cluster.Effect(e)
}

// apiOf returns the address of the API of a cluster resource.
func (m *managedStack) apiOf(resource string) string {
	for name, other := range m.others {
		if strings.HasPrefix(resource, name+"-") {
			return other.api
		}
	}
	return m.api
}

// newManaged returns a stack with a registry, and an account if it is on AWS.
// The caller sets its cluster and opens it.
func newManaged(t *testing.T, c managed) *managedStack {
	t.Helper()
	m := &managedStack{others: map[string]place{}}
	if c.stack == eks.stack {
		if c.aws == nil {
			c.aws = cloudfake.NewAWS()
		}
		m.aws, c.record = c.aws, c.aws.Provider
	}
	m.managed = c
	tls := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(tls.Close)
	m.ca = base64.StdEncoding.EncodeToString(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: tls.Certificate().Raw}))
	images := httptest.NewServer(m.guarded(registry.New()))
	t.Cleanup(images.Close)
	m.registry = strings.TrimPrefix(images.URL, "http://")
	return m
}

// open opens the stack in a cloud whose resources lead to their simulations.
func (m *managedStack) open(t *testing.T, c cloud) {
	t.Helper()
	c.stack, c.section = m.managed.stack, m.managed.section
	c.record = func(*world) *offline.Provider {
		return m.managed.record(func(e *offline.Event) error {
			m.note(e)
			if e.Operation == offline.Create {
				m.managed.connect(m, e)
			}
			return nil
		})
	}
	m.stack = open(t, c)
	m.describe("")
}

// guarded returns a registry that requires the cloud's login.
func (m *managedStack) guarded(images http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != m.managed.user || password != m.managed.password {
			w.Header().Set("WWW-Authenticate", `Basic realm="images"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.Method == http.MethodPut {
			m.mu.Lock()
			m.pushed++
			m.mu.Unlock()
		}
		images.ServeHTTP(w, r)
	})
}

// pull simulates a node's pull, which the cloud authorizes.
func (m *managedStack) pull(reference string) (string, error) {
	keychain, err := image.Login(m.registry, m.managed.user, m.managed.password)
	if err != nil {
		return "", err
	}
	return fakecluster.Pull(reference, keychain)
}

// describe writes the stack's configuration with additional lines in its
// section and in others.
func (m *managedStack) describe(section string, more ...string) {
	m.t.Helper()
	m.configure(fmt.Sprintf("  escala:%s:\n    url: %s\n%s%s", m.managed.section, m.url, section, strings.Join(more, "")))
}

func (m *managedStack) note(e *offline.Event) {
	if e.Operation == offline.Read {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.journal = append(m.journal, e.String())
}

// since returns the operations in cloud and cluster from entry n on.
func (m *managedStack) since(n int) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.journal[n:])
}

func (m *managedStack) mark() int { return len(m.since(0)) }

// pushes counts the writes to the registry.
func (m *managedStack) pushes() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.pushed
}

// kinds returns the indexes of entries with an operation and a type.
func kinds(journal []string, operation, kind string) []int {
	var at []int
	for i, entry := range journal {
		if strings.HasPrefix(entry, operation+" "+kind) {
			at = append(at, i)
		}
	}
	return at
}

// inOrder checks that all operations on one type come before those on the next
// type.
func inOrder(t *testing.T, journal []string, operation string, types ...string) {
	t.Helper()
	for i := range len(types) - 1 {
		first, next := kinds(journal, operation, types[i]), kinds(journal, operation, types[i+1])
		require.NotEmpty(t, first, types[i])
		require.NotEmpty(t, next, types[i+1])
		require.Less(t, slices.Max(first), slices.Min(next), "%s %s comes before %s, in:\n%s", operation, types[i], types[i+1], strings.Join(journal, "\n"))
	}
}
