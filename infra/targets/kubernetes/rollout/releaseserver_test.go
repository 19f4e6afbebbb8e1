package rollout

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/operate"
	"escala/infra/testing/apiserver"
	"escala/infra/testing/nodes"
	"escala/service"
	"escala/service/event"
)

// TestReleaseCommandOnARealAPIServer checks that a command runs once if several
// updates request it at the same time, and that status and events have its runs.
// Kubernetes' own Job controller runs it.
func TestReleaseCommandOnARealAPIServer(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a control plane")
	}
	server := apiserver.StartWithControllers(t)
	var mu sync.Mutex
	runs, status := map[string]int{}, 0
	nodes.Start(t, server).Change(func(n *nodes.Nodes) {
		n.Ends = func(c nodes.Container) *nodes.End {
			mu.Lock()
			defer mu.Unlock()
			if runs[c.Pod]++; runs[c.Pod] < 10 {
				return nil // the command takes some time
			}
			return &nodes.End{Status: status}
		}
	})
	cluster := server.Objects(t)
	cronjob := func(image, command string) map[string]any {
		labels := map[string]any{"app.kubernetes.io/name": "api", "app.kubernetes.io/component": ReleaseComponent, CommandLabel: command}
		return map[string]any{
			"apiVersion": "batch/v1", "kind": "CronJob", "metadata": map[string]any{"name": "api-release", "namespace": "api"}, "spec": map[string]any{
				"schedule": "0 0 1 1 *", "suspend": true, "jobTemplate": map[string]any{
					"metadata": map[string]any{"labels": labels},
					"spec": map[string]any{"backoffLimit": int64(0), "template": map[string]any{
						"metadata": map[string]any{"labels": labels},
						"spec":     map[string]any{"restartPolicy": "Never", "containers": []any{map[string]any{"name": "release", "image": image}}},
					}},
				},
			},
		}
	}
	for _, o := range []map[string]any{
		{"apiVersion": "v1", "kind": "Namespace", "metadata": map[string]any{"name": "api"}},
		{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": map[string]any{"name": "default", "namespace": "api"}},
		apiserver.Object("apps/v1", "Deployment", "api", "api", map[string]any{"spec": map[string]any{
			"replicas": int64(0), "selector": map[string]any{"matchLabels": map[string]any{"app": "api"}},
			"template": map[string]any{
				"metadata": map[string]any{"labels": map[string]any{"app": "api"}},
				"spec":     map[string]any{"containers": []any{map[string]any{"name": "api", "image": older}}},
			},
		}}),
		cronjob(wanted, "aabbccddeeff"),
	} {
		_, err := cluster.Apply(t.Context(), o)
		require.NoError(t, err)
	}
	kubeconfig, err := os.ReadFile(server.Kubeconfig)
	require.NoError(t, err)
	r := ReleaseCommand{
		Kubeconfig: string(kubeconfig), Namespace: "api", Service: "api", CronJob: "api-release", Image: wanted, Command: "aabbccddeeff",
		Timeout: time.Minute, Poll: 20 * time.Millisecond, Report: func(string) {},
	}
	var updates sync.WaitGroup
	errs := make(chan error, 10)
	for range cap(errs) {
		updates.Go(func() { errs <- r.Run(t.Context()) })
	}
	updates.Wait()
	close(errs)
	for err := range errs {
		require.NoError(t, err)
	}
	mu.Lock()
	assert.Len(t, runs, 1, fmt.Sprint(runs))
	status = 3
	mu.Unlock()

	spec := service.NewSpec()
	spec.Name, spec.ReleaseCommand.Command = "api", []string{"api", "migrate"}
	stack := &operate.Stack{Project: "escala", Name: "k", Target: "kubernetes", Spec: spec, Outputs: map[string]any{}}
	id, _ := service.ReleaseOfImage(wanted)
	last := Status(t.Context(), stack, r.Kubeconfig, "api", "api").Command
	require.NotNil(t, last)
	assert.Equal(t, operate.CommandRun{Instance: firstJob, Release: id, Began: last.Began, Result: event.Succeeded, Seconds: last.Seconds}, *last)
	assert.WithinDuration(t, time.Now(), last.Ended(), time.Minute)

	// Another command of the same release fails.
	_, err = cluster.Apply(t.Context(), cronjob(wanted, "ffeeddccbbaa"))
	require.NoError(t, err)
	r.Command = "ffeeddccbbaa"
	require.ErrorContains(t, r.Run(t.Context()), "its release command ends with status 3")
	last = Status(t.Context(), stack, r.Kubeconfig, "api", "api").Command
	require.NotNil(t, last)
	assert.Equal(t, operate.CommandRun{Instance: secondJob, Release: id, Began: last.Began, Result: event.Failed, Seconds: last.Seconds, Text: "Error, exit status 3"}, *last)
	events, err := Events(t.Context(), stack, r.Kubeconfig, "api", "api", time.Time{})
	require.NoError(t, err)
	var told []string
	for _, e := range events {
		if e.Kind == event.Command || strings.Contains(e.Text, "Backoff") {
			told = append(told, strings.TrimSpace(strings.Join([]string{string(e.Kind), e.Release.Short(), e.Instance, e.Result, e.Text}, " ")))
		}
	}
	assert.Equal(t, []string{"command aaaaaaaaaaaa " + firstJob + " succeeded", "command aaaaaaaaaaaa " + secondJob + " failed Error, exit status 3"}, told)

	// A stack without a release command does not ask for Jobs.
	stack.Spec.ReleaseCommand.Command = nil
	assert.Nil(t, Status(t.Context(), stack, r.Kubeconfig, "api", "api").Command)

	// Updates of two releases have both seen that no command runs. The second one
	// waits for the first.
	mu.Lock()
	status = 0
	mu.Unlock()
	c, err := newClient(r.Kubeconfig)
	require.NoError(t, err)
	all, err := r.jobs(t.Context(), c)
	require.NoError(t, err)
	first, err := r.begin(t.Context(), c, all)
	require.NoError(t, err)
	_, err = cluster.Apply(t.Context(), cronjob(older, r.Command))
	require.NoError(t, err)
	r.Image = older
	_, err = r.begin(t.Context(), c, all)
	require.ErrorIs(t, err, errConflict)
	var reported []string
	r.Report = func(text string) { reported = append(reported, text) }
	require.NoError(t, r.Run(t.Context()))
	require.NoError(t, c.get(t.Context(), r.path("jobs", first.Metadata.Name), nil, &first))
	assert.True(t, first.succeeded())
	assert.Contains(t, reported, "waiting: the release command of release aaaaaaaaaaaa runs in Job "+first.Metadata.Name)
	all, err = r.jobs(t.Context(), c)
	require.NoError(t, err)
	second := all[len(all)-1]
	assert.Equal(t, older, second.image())
	assert.False(t, second.Metadata.CreationTimestamp.Before(first.Status.CompletionTime.Truncate(time.Second)), "one runs at a time")
}
