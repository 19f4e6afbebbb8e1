package acceptance

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"

	"escala/infra/build/image"
	"escala/infra/engine"
	"escala/infra/testing/apiserver"
	"escala/infra/testing/fakecluster"
	"escala/infra/testing/kubeplugin"
	"escala/infra/testing/nodes"
	"escala/infra/workspace"
)

// realCluster is a real kube-apiserver with Kubernetes' controllers. Package nodes
// simulates the rest of the cluster.
type realCluster struct {
	t      *testing.T
	server *apiserver.Server
	client dynamic.Interface
	nodes  *nodes.Nodes
}

// openRealCluster starts a cluster, and returns it with Pulumi's own plugin. The
// test is skipped unless both are built and asked for.
func openRealCluster(t *testing.T) (*realCluster, engine.Provider) {
	t.Helper()
	plugin := kubeplugin.New(t)
	server := apiserver.StartWithControllers(t)
	client, err := dynamic.NewForConfig(server.Config())
	require.NoError(t, err)
	c := &realCluster{t: t, server: server, client: client, nodes: nodes.Start(t, server)}
	c.nodes.Change(func(n *nodes.Nodes) { n.Run = badEnvironment })
	return c, plugin
}

// badEnvironment fails services with GREETING=bad in their environment.
func badEnvironment(c nodes.Container) fakecluster.Trouble {
	if c.Env["GREETING"] == "bad" {
		return fakecluster.Trouble{Ended: "Error", ExitCode: 2, Restarts: 3}
	}
	return fakecluster.Trouble{}
}

// serveImages starts a registry from which the nodes pull releases, and returns its
// host.
func (c *realCluster) serveImages() string {
	images := httptest.NewServer(registry.New())
	c.t.Cleanup(images.Close)
	host := strings.TrimPrefix(images.URL, "http://")
	c.nodes.Change(func(n *nodes.Nodes) { n.Pull = pullFrom(host, "nobody", "nothing") })
	return host
}

// openKubernetes opens the stack "kubernetes" on a cluster that is there.
func openKubernetes(t *testing.T, gate string, plugin engine.Provider) *stack {
	t.Helper()
	return open(t, cloud{stack: "kubernetes", section: "kubernetes", gate: gate, limit: pluginLimit, plugins: []engine.Provider{plugin}})
}

// kubernetesSettings returns the settings of the stack "kubernetes", without the
// service's.
func kubernetesSettings(kubeconfig, images, url string) string {
	return fmt.Sprintf("  escala:kubernetes:\n    kubeconfig: %s\n    registry: %s/api\n    url: %s\n    architectures: [amd64]\n", kubeconfig, images, url)
}

// pullFrom returns a Pull that reads the releases of one registry from it. Images
// of other registries are on every node.
func pullFrom(registry, user, password string) func(string, []string) (string, error) {
	return func(reference string, _ []string) (string, error) {
		if !strings.HasPrefix(reference, registry+"/") {
			return "", nil
		}
		keychain, err := image.Login(registry, user, password)
		if err != nil {
			return "", err
		}
		return fakecluster.Pull(reference, keychain)
	}
}

// kind returns the resource of a kind of objects.
func kind(group, version, resource string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: version, Resource: resource}
}

// list returns the names of a namespace's objects of a kind.
func (c *realCluster) list(kind schema.GroupVersionResource, namespace string) []string {
	c.t.Helper()
	all, err := c.client.Resource(kind).Namespace(namespace).List(c.t.Context(), metav1.ListOptions{})
	require.NoError(c.t, err)
	names := []string{}
	for i := range all.Items {
		names = append(names, all.Items[i].GetName())
	}
	return names
}

// get returns an object, or nil.
func (c *realCluster) get(kind schema.GroupVersionResource, namespace, name string) *unstructured.Unstructured {
	c.t.Helper()
	o, err := c.client.Resource(kind).Namespace(namespace).Get(c.t.Context(), name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	require.NoError(c.t, err)
	return o
}

// scale sets the number of the service's pods as the autoscaler does.
func (c *realCluster) scale(namespace, name string, replicas int) {
	c.t.Helper()
	body := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	_, err := c.client.Resource(deployments).Namespace(namespace).Patch(c.t.Context(), name, types.MergePatchType, body,
		metav1.PatchOptions{FieldManager: "kube-controller-manager"}, "scale")
	require.NoError(c.t, err)
}

// replicas returns the wanted number of the service's pods.
func (c *realCluster) replicas(namespace, name string) int {
	c.t.Helper()
	o := c.get(deployments, namespace, name)
	require.NotNil(c.t, o)
	n, _, err := unstructured.NestedInt64(o.Object, "spec", "replicas")
	require.NoError(c.t, err)
	return int(n)
}

// restartPods deletes the service's pods, as the loss of a node does, and waits
// until their successors are ready.
func (c *realCluster) restartPods(namespace, name string) {
	c.t.Helper()
	for _, pod := range c.list(pods, namespace) {
		require.NoError(c.t, c.client.Resource(pods).Namespace(namespace).Delete(c.t.Context(), pod, metav1.DeleteOptions{}))
	}
	require.Eventually(c.t, func() bool {
		o := c.get(deployments, namespace, name)
		wanted, _, _ := unstructured.NestedInt64(o.Object, "spec", "replicas")
		ready, _, _ := unstructured.NestedInt64(o.Object, "status", "availableReplicas")
		total, _, _ := unstructured.NestedInt64(o.Object, "status", "replicas")
		return ready == wanted && total == wanted
	}, limit, 100*time.Millisecond, "the pods of %s come back", name)
}

var (
	deployments = kind("apps", "v1", "deployments")
	namespaces  = kind("", "v1", "namespaces")
	pods        = kind("", "v1", "pods")
)

// ownNamespaces returns the namespaces that Kubernetes does not make itself.
func (c *realCluster) ownNamespaces() []string {
	c.t.Helper()
	var own []string
	for _, name := range c.list(namespaces, "") {
		if name != "default" && !strings.HasPrefix(name, "kube-") {
			own = append(own, name)
		}
	}
	return own
}

// answered returns the release that answers at the stack's address.
func (s *stack) answered(url any) string {
	s.t.Helper()
	_, release := answeredBy(s.t, url)
	return release
}

// requireUnchanged checks that an operation changed nothing.
func (s *stack) requireUnchanged(r engine.Result, err error) {
	s.t.Helper()
	require.NoError(s.t, err, s.log.String())
	assert.Equal(s.t, map[string]int{"same": r.Changes["same"]}, r.Changes, s.log.String())
}

// charts links the clone's Helm charts to where the program looks for them.
func (s *stack) charts() {
	s.t.Helper()
	root, err := workspace.Root()
	require.NoError(s.t, err)
	folder := filepath.Join(s.clone, "targets", "dodoks")
	require.NoError(s.t, os.MkdirAll(folder, 0o755))
	require.NoError(s.t, os.Symlink(filepath.Join(root, "infra", "targets", "dodoks", "charts"), filepath.Join(folder, "charts")))
}
