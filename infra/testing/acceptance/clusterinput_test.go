package acceptance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine/offline"
	"escala/infra/testing/fakecluster"
)

// TestClusterSecrets checks that secrets reach the pods through a Secret and
// never appear in plain text, and that the login to the cluster does not
// either.
func TestClusterSecrets(t *testing.T) {
	t.Parallel()
	c := openCluster(t)
	c.describe("  escala:service:\n    secrets: [DATABASE_URL]\n")
	const first, second = "correct horse battery staple", "another one altogether"
	c.setSecret("DATABASE_URL", first)
	c.mustUp()
	assert.NotContains(t, c.log.String(), first)
	old := c.object(secretType)
	assert.Equal(t, map[string]any{"DATABASE_URL": first}, old["stringData"])
	for _, e := range c.cloudProvider.Existing() {
		if e.Type == secretType {
			assert.True(t, containsSecret(e, first))
		} else {
			assert.NotContains(t, fmt.Sprint(offline.Plain(e.Inputs)), first)
		}
	}
	c.requireNotInState(first)
	c.requireNotInState("not-a-secret") // the token of the kubeconfig

	before := len(c.cluster.Journal())
	c.setSecret("DATABASE_URL", second)
	c.mustUp()
	name := func(o map[string]any) string { return o["metadata"].(map[string]any)["name"].(string) }
	assert.Equal(t, []string{
		"create Secret " + name(c.object(secretType)), "update Deployment api", "delete Secret " + name(old),
	}, c.since(before), "another value rolls the pods")
}

// TestRoomsHaveARedisInTheCluster checks that rooms get a Redis in the cluster, and
// that the update waits for it.
func TestRoomsHaveARedisInTheCluster(t *testing.T) {
	t.Parallel()
	c := openCluster(t)
	// The test uses an existing image, because it does not depend on the
	// service's own.
	image := c.repository + "@sha256:" + strings.Repeat("ab", 32)
	c.cluster.Pull = func(string) (string, error) { return "", nil }
	c.cluster.Trouble = func(of string) fakecluster.Trouble {
		if of == image {
			return fakecluster.Trouble{}
		}
		return fakecluster.Trouble{Waiting: "ErrImageNeverPull", Message: "no such image"}
	}
	rooms := "  escala:service:\n    webSocket: {rooms: true}\n    redis: {mode: local}\n"
	c.existing(image, rooms)
	_, err := c.up()
	require.Error(t, err)
	assert.Contains(t, c.log.String(), "0 of 1 pod of api-redis are ready")
	assert.Contains(t, c.log.String(), "cannot pull its image: no such image")

	require.NoError(t, c.destroy())
	c.cluster.Trouble = func(string) fakecluster.Trouble { return fakecluster.Trouble{} }
	c.mustUp()
	assert.Len(t, c.existingOf(deploymentType), 2)
	data := c.object(configMapType)["data"].(map[string]any)
	assert.Equal(t, "redis://api-redis:6379/0", data["REDIS_URL"])
	assert.Equal(t, "true", data["ROOMS"])
}

// TestClusterGuards checks that all errors are reported at once, before any
// resource is registered.
func TestClusterGuards(t *testing.T) {
	t.Parallel()
	c := openCluster(t)
	c.configure(`  escala:kubernetes:
    kubeconfig: kubeconfig
    context: elsewhere
    namespace: kube-system
    image: ghcr.io/you/api:latest
    registry: ghcr.io/you/api
    url: localhost:8080
    tlsSecret: api-tls
    replicas: 3
  escala:service:
    workers: {count: 4, mode: ports}
    scale: {replicas: 3, max: 12, memory: 95}
    resources: {cpuMillis: 0}
    webSocket: {rooms: true}
    lifecycle: {announce: 0s, drain: 40s}
`)
	_, err := c.up()
	require.Error(t, err)
	for _, said := range []string{
		"cannot be used, nothing was changed",
		`kubernetes.context: "elsewhere" is not a context of the kubeconfig; these are: fake`,
		`kubernetes.namespace: "kube-system" is one of Kubernetes' own namespaces`,
		`kubernetes.image: "ghcr.io/you/api:latest" does not name an image by digest`,
		"kubernetes.registry: is set together with kubernetes.image",
		`kubernetes.url: "localhost:8080" is not http:// or https:// and a host`,
		"kubernetes.tlsSecret: is set, but service.host is not",
		"kubernetes.replicas: is not a key",
		"service.workers.count: is set to 4, but a pod runs one process",
		"service.workers: is set for the workers of a machine",
		"service.scale.replicas: is set together with scale.min or scale.max",
		"service.scale.memory: 95 is not from 0 (off) to 89 percent",
		"service.resources.cpuMillis: 0 is not a positive number",
		"service.redis.mode: is \"none\", but webSocket.rooms is on",
		"service.lifecycle.announce: 0s is below 1s",
		"service.lifecycle.stop: 30s is too short",
	} {
		assert.Contains(t, c.log.String(), said)
	}
	assert.Empty(t, c.cloudProvider.Events(), "nothing was asked for")

	require.NoError(t, os.Remove(filepath.Join(c.clone, "kubeconfig")))
	c.describe("")
	_, err = c.up()
	require.Error(t, err)
	assert.Contains(t, c.log.String(), "kubernetes.context: cannot be looked up: ")
}
