package acceptance

import (
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/rest"

	"escala/infra/engine"
	"escala/infra/engine/offline"
	"escala/infra/testing/cloudfake"
	"escala/infra/testing/fakecluster"
	"escala/infra/testing/nodes"
)

// openPlugin opens a stack that creates its cluster. The cluster's API is a real
// kube-apiserver. openPlugin calls prepare for each cluster.
func openPlugin(t *testing.T, c managed, prepare func(*managedStack, *realCluster)) (*managedStack, pluginLife) {
	t.Helper()
	m := newManaged(t, c)
	reached := func(cluster *realCluster) string {
		cluster.nodes.Change(func(n *nodes.Nodes) { n.Pull = pullFrom(m.registry, c.user, c.password) })
		prepare(m, cluster)
		transport, err := rest.TransportFor(cluster.server.Config())
		require.NoError(t, err)
		api := forward(t, cluster.server.Config().Host, transport)
		if m.aws != nil {
			return m.guardAPI(t, api)
		}
		server := httptest.NewServer(api)
		t.Cleanup(server.Close)
		return server.URL
	}
	cluster, plugin := openRealCluster(t)
	m.api, m.url = reached(cluster), cluster.nodes.URL(t, "api")
	m.open(t, cloud{gate: "90s", limit: pluginLimit, plugins: []engine.Provider{plugin}})
	m.charts()
	l := pluginLife{stack: m.stack, cluster: cluster, namespace: "api", more: new(string)}
	l.describe = func(more string) {
		*l.more = more
		m.describe("", more)
	}
	l.moved = func(name string) {
		other, _ := openRealCluster(t)
		m.others[name] = place{api: reached(other)}
		m.url = other.nodes.URL(t, name)
		l.describe(*l.more)
	}
	return m, l
}

// TestPluginLifeOnEKS checks the life of aws-eks with Pulumi's own plugin and a
// real kube-apiserver that admits the same principals as EKS.
func TestPluginLifeOnEKS(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewAWS()
	m, l := openPlugin(t, eksIn(account), func(_ *managedStack, c *realCluster) {
		autoMode(t, c)
		var node sync.Once
		c.nodes.Change(func(n *nodes.Nodes) {
			n.Run = func(c nodes.Container) fakecluster.Trouble {
				// Auto Mode makes a node for the first pod.
				node.Do(func() {
					_ = account.Effect(nil)(&offline.Event{Operation: offline.Create, Type: deploymentType, ID: "api"})
				})
				return badEnvironment(c)
			}
		})
	})
	m.slow = 3
	l.run()
	assert.Positive(t, account.Occurrences("access-is-eventual"))
	assert.Zero(t, account.Occurrences("addon-waits-for-nodes"))
	assert.Empty(t, l.cluster.ownNamespaces(), "the cluster of the other name is empty")

	t.Log("the preview of somebody else, who sees nothing of the cluster")
	account.CallAs(somebodyElse)
	plan, err := l.preview()
	require.NoError(t, err, l.log.String())
	assert.Equal(t, map[string]int{"same": plan.Changes["same"]}, plan.Changes, l.log.String())
	require.Error(t, l.destroy(), "nor can they destroy it")
	assert.Contains(t, l.log.String(), "configured Kubernetes cluster is unreachable")
	assert.Len(t, account.OfType(eks.cluster), 1)

	account.CallAs(text(account.OfType(entryType)[0], "principalArn"))
	require.NoError(t, l.destroy(), l.log.String())
	assert.Empty(t, m.existingOf(eks.cluster))
	assert.Zero(t, account.Occurrences("network-in-use"))
}

// TestPluginLifeOnDOKS checks the life of do-doks with Pulumi's own plugin, which
// installs the Helm charts, and a real kube-apiserver.
func TestPluginLifeOnDOKS(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	c := doks
	c.record = account.Provider
	_, l := openPlugin(t, c, func(m *managedStack, cluster *realCluster) {
		cluster.nodes.Change(func(n *nodes.Nodes) {
			pull := n.Pull
			n.Pull = func(image string, logins []string) (string, error) {
				if strings.HasPrefix(image, m.registry+"/") && !strings.Contains(strings.Join(logins, ""), m.registry) {
					return "", errors.New("401 Unauthorized")
				}
				return pull(image, logins)
			}
		})
	})
	first := l.cluster
	l.moved = func(moved func(string)) func(string) {
		return func(name string) {
			assert.Len(t, first.list(deployments, "traefik"), 1)
			assert.Len(t, first.list(deployments, "kube-system"), 1, "metrics-server")
			moved(name)
		}
	}(l.moved)
	l.run()
	assert.Empty(t, first.ownNamespaces(), "the cluster of the other name is empty")
	assert.Empty(t, first.list(deployments, "kube-system"))

	t.Log("the preview of somebody else, with a token of their own")
	l.forgetBuilds()
	l.requireUnchanged(l.preview())

	require.NoError(t, l.destroy(), l.log.String())
	assert.Empty(t, account.All())
}

// autoMode adds the kind of the load balancers' parameters, which a cluster in Auto
// Mode has from the start, with the fields of
// https://docs.aws.amazon.com/eks/latest/userguide/auto-configure-alb.html.
func autoMode(t *testing.T, c *realCluster) {
	t.Helper()
	text := map[string]any{"type": "string"}
	texts := map[string]any{"type": "array", "items": text}
	pairs := map[string]any{"type": "array", "items": map[string]any{
		"type": "object", "properties": map[string]any{"key": text, "value": text}, "required": []any{"key", "value"},
	}}
	_, err := c.client.Resource(kind("apiextensions.k8s.io", "v1", "customresourcedefinitions")).Create(t.Context(), &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": "ingressclassparams.eks.amazonaws.com"},
		"spec": map[string]any{
			"group": "eks.amazonaws.com", "scope": "Cluster",
			"names": map[string]any{"kind": "IngressClassParams", "plural": "ingressclassparams", "singular": "ingressclassparams"},
			"versions": []any{map[string]any{
				"name": "v1", "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": map[string]any{"type": "object", "properties": map[string]any{
					"spec": map[string]any{"type": "object", "properties": map[string]any{
						"scheme": text, "ipAddressType": text, "certificateARNs": texts,
						"group":                  map[string]any{"type": "object", "properties": map[string]any{"name": text}},
						"subnets":                map[string]any{"type": "object", "properties": map[string]any{"ids": texts}},
						"loadBalancerAttributes": pairs, "tags": pairs,
					}},
				}}},
			}},
		},
	}}, metav1.CreateOptions{})
	require.NoError(t, err)
}
