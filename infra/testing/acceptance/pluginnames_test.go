package acceptance

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/cloudfake"
)

// TestPluginTraefikGetsItsCertificate checks with Pulumi's own plugin and a real
// kube-apiserver that the chart accepts the values of a Traefik that gets its
// certificate itself, and that a running pair can be changed to it and back.
func TestPluginTraefikGetsItsCertificate(t *testing.T) {
	t.Parallel()
	account := cloudfake.NewDigitalOcean()
	c := doks
	c.record = account.Provider
	m, l := openPlugin(t, c, func(*managedStack, *realCluster) {})
	strategy := func() (string, int) {
		o := l.cluster.get(deployments, "traefik", "traefik")
		require.NotNil(t, o)
		name, _, err := unstructured.NestedString(o.Object, "spec", "strategy", "type")
		require.NoError(t, err)
		return name, l.cluster.replicas("traefik", "traefik")
	}
	claims := kind("", "v1", "persistentvolumeclaims")
	host := withHost("api.example.com")
	certified := withHost("api.example.com", "    tls:\n      mode: acme\n      authority: staging\n")

	m.describe("", certified)
	first := l.mustUp()
	assert.Equal(t, "not checked", first["https"])
	assert.NotEmpty(t, l.answered(first["url"]))
	name, replicas := strategy()
	assert.Equal(t, "Recreate", name)
	assert.Equal(t, 1, replicas)
	assert.Equal(t, []string{"traefik"}, l.cluster.list(claims, "traefik"))
	l.requireUnchanged(l.up())
	l.refreshesClean()

	t.Log("plain HTTP, with two")
	m.describe("", host)
	l.mustUp()
	name, replicas = strategy()
	assert.Equal(t, "RollingUpdate", name)
	assert.Equal(t, 2, replicas)
	assert.Equal(t, []string{"traefik"}, l.cluster.list(claims, "traefik"), "the chart keeps the claim with the certificates")

	t.Log("back, to the claim that is there")
	m.describe("", certified)
	l.mustUp()
	name, replicas = strategy()
	assert.Equal(t, "Recreate", name)
	assert.Equal(t, 1, replicas)

	require.NoError(t, l.destroy(), l.log.String())
	assert.Empty(t, l.cluster.list(claims, "traefik"), "it goes with the namespace")
	assert.Empty(t, account.All())
}

// TestPluginCertManager checks with Pulumi's own plugin and a real kube-apiserver
// that the Issuer is created, and that it is deleted when the service no longer
// needs it. The server has cert-manager's definition of the kind.
func TestPluginCertManager(t *testing.T) {
	t.Parallel()
	cluster, plugin := openRealCluster(t)
	host := cluster.serveImages()
	s := openKubernetes(t, "90s", plugin)
	describe := func(more string) {
		s.configure(kubernetesSettings(cluster.server.Kubeconfig, host, cluster.nodes.URL(t, "api")) + more)
	}
	certified := withHost("api.example.com", "    tls:\n      mode: acme\n      authority: staging\n")
	issuers := kind("cert-manager.io", "v1", "issuers")

	describe(certified)
	_, err := s.up()
	require.Error(t, err)
	assert.Contains(t, s.log.String(), "the cluster has no cert-manager")

	content, err := os.ReadFile(filepath.Join("..", "apiserver", "testdata", "issuer-crd.yaml"))
	require.NoError(t, err)
	definition := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal(content, &definition.Object))
	_, err = cluster.client.Resource(kind("apiextensions.k8s.io", "v1", "customresourcedefinitions")).Create(t.Context(), definition, metav1.CreateOptions{})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		_, err := cluster.client.Resource(issuers).List(t.Context(), metav1.ListOptions{})
		return err == nil
	}, limit, 100*time.Millisecond)

	first := s.mustUp()
	assert.NotEmpty(t, s.answered(first["url"]))
	issuer := cluster.get(issuers, "api", "api")
	require.NotNil(t, issuer)
	server, _, err := unstructured.NestedString(issuer.Object, "spec", "acme", "server")
	require.NoError(t, err)
	assert.Equal(t, "https://acme-staging-v02.api.letsencrypt.org/directory", server)
	ingress := cluster.get(kind("networking.k8s.io", "v1", "ingresses"), "api", "api")
	require.NotNil(t, ingress)
	assert.Equal(t, "api", ingress.GetAnnotations()["cert-manager.io/issuer"])
	s.requireUnchanged(s.up())
	s.refreshesClean()

	t.Log("without it")
	describe(withHost("api.example.com"))
	s.mustUp()
	assert.Empty(t, cluster.list(issuers, "api"))
	require.NoError(t, s.destroy(), s.log.String())
}
