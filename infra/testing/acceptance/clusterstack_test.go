package acceptance

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
	"escala/infra/testing/fakecluster"
)

// clusterStack is the stack "kubernetes" with its own cluster and registry.
type clusterStack struct {
	*stack
	cluster    *fakecluster.Cluster
	repository string
	// pushes counts the writes to the registry.
	pushes int
}

func openCluster(t *testing.T) *clusterStack {
	t.Helper()
	c := &clusterStack{cluster: fakecluster.New()}
	t.Cleanup(c.cluster.Close)
	images := registry.New()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			c.pushes++
		}
		images.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.repository = strings.TrimPrefix(server.URL, "http://") + "/api"
	c.stack = open(t, cloud{
		stack: "kubernetes", section: "kubernetes",
		record: func(*world) *offline.Provider { return clouds.Kubernetes(c.cluster.Effect) },
	})
	c.write("kubeconfig", c.cluster.Kubeconfig())
	c.describe("")
	return c
}

// describe writes the stack's configuration with additional lines.
func (c *clusterStack) describe(more string) {
	c.t.Helper()
	c.configure(fmt.Sprintf("  escala:kubernetes:\n    kubeconfig: kubeconfig\n    registry: %s\n    url: %s\n%s", c.repository, c.cluster.URL(), more))
}

// existing writes a configuration with an existing image.
func (c *clusterStack) existing(image, more string) {
	c.t.Helper()
	c.configure(fmt.Sprintf("  escala:kubernetes:\n    kubeconfig: kubeconfig\n    image: %s\n    url: %s\n%s", image, c.cluster.URL(), more))
}

// since returns the cluster's journal from entry n on.
func (c *clusterStack) since(n int) []string { return c.cluster.Journal()[n:] }

// served returns the release that the public gets.
func (c *clusterStack) served() string {
	c.t.Helper()
	resp, err := http.Get(c.cluster.URL() + "/health")
	require.NoError(c.t, err)
	defer resp.Body.Close()
	return resp.Header.Get("X-Release")
}

// object returns the only object of a kind.
func (c *clusterStack) object(kind string) map[string]any {
	c.t.Helper()
	found := c.existingOf(kind)
	require.Len(c.t, found, 1, kind)
	return offline.Plain(found[0].Inputs)
}

const (
	deploymentType = "kubernetes:apps/v1:Deployment"
	configMapType  = "kubernetes:core/v1:ConfigMap"
	secretType     = "kubernetes:core/v1:Secret"
)

// container returns the Deployment's container.
func (c *clusterStack) container() map[string]any {
	c.t.Helper()
	spec := c.object(deploymentType)["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
	return spec["containers"].([]any)[0].(map[string]any)
}

// image returns the Deployment's image.
func (c *clusterStack) image() string { return c.container()["image"].(string) }
