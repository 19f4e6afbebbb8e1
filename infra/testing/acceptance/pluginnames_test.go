package acceptance

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/cloudfake"
)

// TestPluginTraefikGetsItsCertificate checks with Pulumi's own plugin and a real
// kube-apiserver that the chart takes the values of a Traefik that gets its
// certificate itself, and that a running pair becomes it, and the other way round.
func TestPluginTraefikGetsItsCertificate(t *testing.T) {
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
	l.onlySame(l.up())
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
