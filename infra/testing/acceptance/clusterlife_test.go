package acceptance

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/fakecluster"
)

// TestClusterLifecycle checks the whole life of a cluster stack. Each step begins
// with the state of the previous one.
func TestClusterLifecycle(t *testing.T) {
	t.Parallel()
	c := openCluster(t)

	plan, err := c.preview()
	require.NoError(t, err)
	assert.NotZero(t, plan.Changes["create"])
	assert.Empty(t, c.cloudProvider.Events(), "a preview changes nothing")
	assert.Zero(t, c.pushes, "nor does it push")

	first := c.mustUp()
	assert.Equal(t, "kubernetes", first["target"])
	assert.Equal(t, c.cluster.URL(), first["url"])
	assert.Equal(t, c.cluster.URL()+"/health", first["health"])
	assert.Equal(t, c.repository+"@sha256:"+first["release"].(string), c.image())
	assert.Equal(t, []any{first["release"]}, first["releases"])
	firstBinary := c.served()
	assert.NotEmpty(t, firstBinary)
	order(t, c.since(0), "create Namespace api", "create Deployment api", "create HorizontalPodAutoscaler api")

	before, pushes := len(c.cluster.Journal()), c.pushes
	plan, err = c.preview()
	require.NoError(t, err)
	delete(plan.Changes, "read")
	assert.Len(t, plan.Changes, 1, "nothing is to be done: %v", plan.Changes)
	assert.Equal(t, first, c.mustUp())
	assert.Empty(t, c.since(before), "an update without a change asks for nothing")
	assert.Equal(t, pushes, c.pushes, "and pushes nothing")

	refreshed, err := c.refresh()
	require.NoError(t, err)
	assert.NotContains(t, refreshed.Changes, "update")
	assert.Equal(t, first, c.mustUp())
	assert.Empty(t, c.since(before))

	// A new release changes the image and nothing else.
	c.release("second")
	second := c.mustUp()
	require.NotEqual(t, first["release"], second["release"])
	assert.Equal(t, []any{second["release"], first["release"]}, second["releases"])
	assert.Equal(t, []string{"update Deployment api"}, c.since(before))
	assert.NotEqual(t, firstBinary, c.served())

	// A changed environment makes a new ConfigMap; the old one is deleted last.
	before = len(c.cluster.Journal())
	old := c.object(configMapType)["metadata"].(map[string]any)["name"].(string)
	c.describe("  escala:service:\n    env:\n      GREETING: hello\n")
	c.mustUp()
	next := c.object(configMapType)["metadata"].(map[string]any)["name"].(string)
	assert.NotEqual(t, old, next)
	assert.Equal(t, []string{"create ConfigMap " + next, "update Deployment api", "delete ConfigMap " + old}, c.since(before))

	before = len(c.cluster.Journal())
	require.NoError(t, c.destroy())
	assert.Empty(t, c.cloudProvider.Existing())
	gone := c.since(before)
	assert.Equal(t, "delete Namespace api", gone[len(gone)-1], "the namespace waits for whatever its objects made elsewhere")

	// The stack can be created again in the empty cluster.
	assert.Equal(t, second["url"], c.mustUp()["url"])
	c.unchanged("after the second beginning")
	require.NoError(t, c.destroy())
}

// TestAnotherNamespace checks that the service is created in the new namespace
// before it is deleted from the old one.
func TestAnotherNamespace(t *testing.T) {
	t.Parallel()
	c := openCluster(t)
	first := c.mustUp()
	before := len(c.cluster.Journal())
	c.describe("    namespace: other\n")
	moved := c.mustUp()
	assert.Equal(t, first["release"], moved["release"])
	order(t, c.since(before), "create Namespace other", "create Ingress api", "create Deployment api", "delete Deployment api", "delete Ingress api", "delete Namespace api")
	assert.NotEmpty(t, c.served())
	c.unchanged("in the other namespace")
	require.NoError(t, c.destroy())
}

// TestBadImageLeavesTheOldPods checks that a bad image fails the update with
// the pods' own reason while the old pods stay.
func TestBadImageLeavesTheOldPods(t *testing.T) {
	t.Parallel()
	c := openCluster(t)
	first := c.mustUp()
	served := c.served()
	config := c.existingOf(configMapType)

	c.cluster.Trouble = func(image string) fakecluster.Trouble {
		if strings.HasSuffix(image, first["release"].(string)) {
			return fakecluster.Trouble{}
		}
		return fakecluster.Trouble{Waiting: "ErrImageNeverPull", Message: "no such image"}
	}
	c.release("bad")
	c.describe("  escala:service:\n    env:\n      GREETING: hello\n")
	_, err := c.up()
	require.Error(t, err)
	assert.Contains(t, c.log.String(), "cannot pull its image: no such image")
	assert.Contains(t, c.log.String(), fmt.Sprintf("the release before (%.12s) still serves, on 3 pods", first["release"]))
	assert.Equal(t, served, c.served())
	assert.Equal(t, first["releases"], c.outputs()["releases"], "the outputs stay")
	assert.Contains(t, c.existingOf(configMapType), config[0], "the old pods still have their configuration")

	before := len(c.cluster.Journal())
	_, err = c.up()
	require.Error(t, err, "the same again fails again")
	assert.Empty(t, c.since(before))

	c.cluster.Trouble = func(string) fakecluster.Trouble { return fakecluster.Trouble{} }
	c.release("mended")
	mended := c.mustUp()
	assert.Equal(t, []any{mended["release"], first["release"]}, mended["releases"], "what never served is not gone back to")
	assert.Len(t, c.existingOf(configMapType), 1)
	assert.NotEqual(t, served, c.served())
}

// TestRevertAfterAFailedChange checks that after a failed change of the
// configuration, whose old version is still in the cluster, a revert works and
// the pods can be restarted.
func TestRevertAfterAFailedChange(t *testing.T) {
	t.Parallel()
	c := openCluster(t)
	const names = "  escala:service:\n    secrets: [DATABASE_URL]\n"
	c.describe(names)
	c.setSecret("DATABASE_URL", "first")
	c.mustUp()
	image, served := c.image(), c.served()

	c.describe(names + "    env:\n      GREETING: hello\n")
	c.setSecret("DATABASE_URL", "second")
	c.cluster.Fails = func(template string) fakecluster.Trouble {
		return fakecluster.Trouble{Ended: "Error", ExitCode: 2, Restarts: 3}
	}
	_, err := c.up()
	require.Error(t, err)
	assert.Equal(t, served, c.served())

	c.cluster.Fails = nil
	c.describe(names)
	c.setSecret("DATABASE_URL", "first")
	c.mustUp()
	assert.Equal(t, image, c.image())
	assert.Zero(t, c.cluster.Occurrences("object-exists"))
	container := c.container()
	from := container["envFrom"].([]any)
	for i, kind := range []string{configMapType, secretType} {
		object := c.object(kind)
		ref := from[i].(map[string]any)
		for _, of := range ref {
			assert.Equal(t, object["metadata"].(map[string]any)["name"], of.(map[string]any)["name"], "pods find their %s", kind)
		}
	}
	assert.Equal(t, map[string]any{"DATABASE_URL": "first"}, c.object(secretType)["stringData"])
}

// TestExistingImage checks that an existing image is used unchanged: nothing is
// built or pushed.
func TestExistingImage(t *testing.T) {
	t.Parallel()
	c := openCluster(t)
	c.cluster.Pull = func(string) (string, error) { return "", nil }
	existing := c.repository + "@sha256:" + strings.Repeat("ab", 32)
	c.existing(existing, "")
	up := c.mustUp()
	assert.Equal(t, strings.Repeat("ab", 32), up["release"])
	assert.Equal(t, existing, c.image())
	assert.Zero(t, c.pushes, "what exists is not built")
	assert.NoDirExists(t, filepath.Join(c.clone, ".escala", "build"))
}

// TestClusterRollback checks that a rollback needs only the digest, independent
// of the files on this computer.
func TestClusterRollback(t *testing.T) {
	t.Parallel()
	c := openCluster(t)
	first := c.mustUp()
	served := c.served()
	c.release("second")
	second := c.mustUp()

	c.forgetBuilds()
	before := len(c.cluster.Journal())
	c.describe(fmt.Sprintf("  escala:release: \"%.12s\"\n", first["release"]))
	back := c.mustUp()
	assert.Equal(t, first["release"], back["release"])
	assert.Equal(t, []any{first["release"], second["release"]}, back["releases"])
	assert.Equal(t, served, c.served())
	assert.Equal(t, []string{"update Deployment api"}, c.since(before))
	assert.NoDirExists(t, filepath.Join(c.clone, ".escala", "build"), "nothing is built")

	c.describe("  escala:release: \"0123456789ab\"\n")
	_, err := c.up()
	require.Error(t, err)
	assert.Contains(t, c.log.String(), "is not a release that the stack can go back to; these are: "+first["release"].(string)[:12])
	c.describe("")
	assert.Equal(t, second["release"], c.mustUp()["release"])
}
