package acceptance

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/engine/offline"
	"escala/infra/testing/cloudfake"
	"escala/infra/testing/fakecluster"
	"escala/infra/testing/nodes"
)

// migration simulates a release command in the pods of Jobs.
type migration struct {
	cluster *realCluster
	// begun receives the name of each pod whose command begins.
	begun chan string

	mu sync.Mutex
	// end is the end of all runs. While it is nil, they continue.
	end *nodes.End
	// runs holds, for each run, the release, the command, an environment variable
	// and the image that the Deployment has during the run.
	runs []string
	seen map[string]bool
}

// openMigration simulates a release command on a cluster.
func openMigration(c *realCluster) *migration {
	m := &migration{cluster: c, begun: make(chan string, 20), end: &nodes.End{}, seen: map[string]bool{}}
	c.nodes.Change(func(n *nodes.Nodes) { n.Ends = m.ends })
	return m
}

func (m *migration) ends(c nodes.Container) *nodes.End {
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.seen[c.Pod] {
		m.seen[c.Pod] = true
		serving := "nothing"
		if d, err := m.cluster.client.Resource(deployments).Namespace(c.Namespace).Get(context.Background(), "api", metav1.GetOptions{}); err == nil {
			containers, _, _ := unstructured.NestedSlice(d.Object, "spec", "template", "spec", "containers")
			serving = digest(containers[0].(map[string]any)["image"].(string))
		}
		m.runs = append(m.runs, fmt.Sprintf("%s %s with %s beside %s", digest(c.Image), strings.Join(c.Command, " "), c.Env["DATABASE_URL"], serving))
		m.begun <- c.Pod
	}
	return m.end
}

// digest returns the first 12 digits of an image's digest.
func digest(image string) string {
	_, after, _ := strings.Cut(image, "@sha256:")
	return after[:12]
}

// ended sets how runs end from now on.
func (m *migration) ended(end *nodes.End) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end = end
}

// ran returns the runs since the last call.
func (m *migration) ran() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	runs := m.runs
	m.runs = nil
	for range runs {
		<-m.begun
	}
	return runs
}

// TestPluginReleaseCommand checks the releases of a service with a release command
// on a real kube-apiserver with Kubernetes' own Job controller.
func TestPluginReleaseCommand(t *testing.T) {
	t.Parallel()
	cluster, plugin := openRealCluster(t)
	host := cluster.serveImages()
	m := openMigration(cluster)
	l := pluginLife{cluster: cluster, namespace: "api"}
	l.stack = openKubernetes(t, "90s", plugin)
	url := cluster.nodes.URL(t, "api")
	describe := func(more, command, timeout string) {
		l.configure(kubernetesSettings(cluster.server.Kubeconfig, host, url) +
			fmt.Sprintf("  escala:service:\n    secrets: [DATABASE_URL]\n    scale: {replicas: 2}\n    release: {command: [api, %s], timeout: %s}\n%s", command, timeout, more))
	}
	describe("", "migrate", "60s")
	l.setSecret("DATABASE_URL", "db")
	jobs := kind("batch", "v1", "jobs")
	short := func(outputs map[string]any) string { return outputs["release"].(string)[:12] }
	failed := func(says ...string) {
		t.Helper()
		_, err := l.up()
		require.Error(t, err)
		for _, text := range says {
			assert.Contains(t, l.log.String(), text)
		}
	}

	t.Log("the first update runs it once, before the first pod")
	_, err := l.preview()
	require.NoError(t, err, l.log.String())
	assert.Contains(t, l.log.String(), "the update runs the release command [api migrate]")
	assert.NotContains(t, cluster.ownNamespaces(), "api", "a preview makes nothing")
	first := short(l.mustUp())
	assert.Equal(t, []string{first + " /api migrate with db beside nothing"}, m.ran())
	assert.Equal(t, []string{"api-release-1"}, cluster.list(jobs, "api"))

	t.Log("no change, and a look for drift")
	l.requireUnchanged(l.preview())
	assert.NotContains(t, l.log.String(), "release command")
	l.requireUnchanged(l.up())
	l.refreshesClean()
	l.requireUnchanged(l.up())
	assert.Empty(t, m.ran())

	t.Log("a release")
	l.release("second")
	released, err := l.up()
	require.NoError(t, err, l.log.String())
	assert.Equal(t, map[string]int{"same": released.Changes["same"], "update": 2}, released.Changes, "the CronJob and the Deployment: %s", l.log)
	second := short(values(released.Outputs))
	assert.Equal(t, []string{second + " /api migrate with db beside " + first}, m.ran(), "what served serves meanwhile")
	served := l.answered(url)

	t.Log("it fails, and is asked for again")
	m.ended(&nodes.End{Status: 3, Log: "adding the column\nthere is no such table"})
	l.release("third")
	for range 2 {
		failed("its release command ends with status 3; the next update runs it again", "there is no such table")
		assert.Len(t, m.ran(), 1, "each update runs it once")
		assert.Equal(t, served, l.answered(url), "what served serves")
	}
	m.ended(&nodes.End{})
	third := short(l.mustUp())
	assert.Equal(t, []string{third + " /api migrate with db beside " + second}, m.ran())
	l.refreshesClean()
	l.requireUnchanged(l.up())

	t.Log("the update is killed in the middle")
	m.ended(nil)
	l.release("fourth")
	kill := make(chan struct{})
	over := make(chan error, 1)
	run := l.stack.run()
	run.Kill = kill
	go func() {
		_, err := l.engine().Up(l.context(), run)
		over <- err
	}()
	pod := <-m.begun
	m.begun <- pod
	close(kill)
	require.Error(t, <-over)
	go func() {
		time.Sleep(2 * time.Second)
		m.ended(&nodes.End{})
	}()
	fourth := short(l.mustUp())
	assert.NotEqual(t, third, fourth)
	assert.Len(t, m.ran(), 1, "the next update waits for the run of the one before")
	served = l.answered(url)

	t.Log("the release does not serve after its command: an update runs it no more")
	l.release("fifth")
	cluster.nodes.Change(func(n *nodes.Nodes) {
		n.Run = func(c nodes.Container) fakecluster.Trouble {
			if strings.Contains(c.Image, fourth) {
				return fakecluster.Trouble{}
			}
			return fakecluster.Trouble{Waiting: "ErrImageNeverPull", Message: "no such image"}
		}
	})
	failed("cannot pull its image")
	assert.Len(t, m.ran(), 1)
	cluster.nodes.Change(func(n *nodes.Nodes) { n.Run = badEnvironment })
	fifth := short(l.mustUp())
	assert.Empty(t, m.ran())

	t.Log("a rollback runs none, and neither does its end")
	describe("  escala:release: \""+fourth+"\"\n", "migrate", "60s")
	assert.Equal(t, fourth, short(l.mustUp()))
	assert.Equal(t, served, l.answered(url))
	describe("", "migrate", "60s")
	assert.Equal(t, fifth, short(l.mustUp()))
	assert.Empty(t, m.ran())

	t.Log("another command is another one to run")
	describe("", "prepare", "60s")
	l.mustUp()
	assert.Equal(t, []string{fifth + " /api prepare with db beside " + fifth}, m.ran())

	t.Log("its node goes in the middle")
	m.ended(nil)
	l.release("sixth") // the pod may go before the update has seen it run
	go func() {
		pod := <-m.begun
		m.begun <- pod
		_ = cluster.client.Resource(pods).Namespace("api").Delete(context.Background(), pod, metav1.DeleteOptions{})
	}()
	failed("its release command was interrupted in Job api-release-", "whether it did its work is unknown")
	assert.Len(t, m.ran(), 1)

	t.Log("it takes too long")
	describe("", "prepare", "2s")
	failed("its release command has not ended within 2s and was killed; the next update runs it again")
	assert.Len(t, m.ran(), 1)
	m.ended(&nodes.End{})
	l.mustUp()
	assert.Len(t, m.ran(), 1)
	l.refreshesClean()

	require.NoError(t, l.destroy(), l.log.String())
	assert.Empty(t, cluster.ownNamespaces())
}

// TestPluginReleaseCommandOfManagedClusters checks the release command if the
// update creates the cluster, so that the cluster is known only during the update.
func TestPluginReleaseCommandOfManagedClusters(t *testing.T) {
	t.Parallel()
	for name, opened := range map[string]func(t *testing.T) pluginLife{
		"aws-eks": func(t *testing.T) pluginLife {
			account := cloudfake.NewAWS()
			_, l := openPlugin(t, eksIn(account), func(_ *managedStack, c *realCluster) {
				autoMode(t, c)
				_ = account.Effect(nil)(&offline.Event{Operation: offline.Create, Type: deploymentType, ID: "api"})
			})
			return l
		},
		"do-doks": func(t *testing.T) pluginLife {
			c := doks
			c.record = cloudfake.NewDigitalOcean().Provider
			_, l := openPlugin(t, c, func(*managedStack, *realCluster) {})
			return l
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := opened(t)
			m := openMigration(l.cluster)
			l.describe("  escala:service:\n    scale: {replicas: 2}\n    release: {command: [api, migrate], timeout: 30s}\n")
			first := l.mustUp()["release"].(string)[:12]
			assert.Equal(t, []string{first + " /api migrate with  beside nothing"}, m.ran())
			l.requireUnchanged(l.up())
			l.release("second")
			m.ended(&nodes.End{Status: 3, Log: "there is no such table"})
			_, err := l.up()
			require.Error(t, err)
			assert.Contains(t, l.log.String(), "there is no such table")
			assert.Len(t, m.ran(), 1)
			m.ended(&nodes.End{})
			second := l.mustUp()["release"].(string)[:12]
			assert.Equal(t, []string{second + " /api migrate with  beside " + first}, m.ran())
		})
	}
}
