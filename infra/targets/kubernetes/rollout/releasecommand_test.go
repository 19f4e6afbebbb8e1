package rollout

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// batch is a fake API server with a CronJob and Jobs. A Job changes at each read of
// its pods.
type batch struct {
	mu   sync.Mutex
	jobs map[string]map[string]any
	// pods maps the name of each Job to its pod.
	pods map[string]map[string]any
	// checks counts the reads of each Job's pods. step is called at each of them.
	checks map[string]int
	step   func(name string, look int)
	// event is the message of a FailedCreate event of each Job.
	event string
	// loses drops the answer to the next creation. taken creates the next Job for
	// another update before it answers, of the image takenFor if there is one.
	// losesConflict drops the answer to that creation.
	loses, taken, losesConflict bool
	takenFor                    string
	created                     []string
	removed                     []string
	image                       string
}

func newBatch(t *testing.T) (*batch, ReleaseCommand) {
	t.Helper()
	b := &batch{jobs: map[string]map[string]any{}, pods: map[string]map[string]any{}, checks: map[string]int{}, image: wanted}
	b.step = func(name string, _ int) { b.ends(name, 0, "") }
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	return b, ReleaseCommand{
		Kubeconfig: `apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "` + server.URL + `"}}]
contexts: [{name: a, context: {cluster: a}}]
current-context: a
`,
		Namespace: "api", Service: "api", CronJob: "api-release", Image: wanted, Command: "aabbccddeeff",
		Limit: 5 * time.Minute, MemoryMiB: 256, Timeout: time.Minute, Stop: time.Second,
		Poll: time.Millisecond, StuckTimeout: 20 * time.Millisecond, Report: func(string) {},
	}
}

// template returns a Job's specification with an image.
func template(image string) map[string]any {
	return map[string]any{"backoffLimit": 0, "template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "release", "image": image}}}}}
}

// add adds an earlier Job. created is its creation time in seconds since 1970.
func (b *batch) add(name, image, command string, created int) map[string]any {
	job := map[string]any{
		"metadata": map[string]any{
			"name": name, "labels": map[string]any{CommandLabel: command},
			"creationTimestamp": time.Unix(int64(created), 0).UTC().Format(time.RFC3339),
		},
		"spec": template(image), "status": map[string]any{},
	}
	b.jobs[name] = job
	return job
}

// condition sets a condition of a Job.
func (b *batch) condition(name, kind, reason, message string) {
	b.jobs[name]["status"] = map[string]any{"conditions": []any{map[string]any{"type": kind, "status": "True", "reason": reason, "message": message}}}
}

// state sets the pod of a Job, with the state of its container.
func (b *batch) state(name string, state map[string]any, more map[string]any) {
	status := map[string]any{"containerStatuses": []any{map[string]any{"name": "release", "state": state}}}
	maps.Copy(status, more)
	b.pods[name] = map[string]any{
		"metadata": map[string]any{"name": name + "-x"}, "spec": map[string]any{"containers": []any{map[string]any{"name": "release"}}}, "status": status,
	}
}

// ends sets the end of a Job's run.
func (b *batch) ends(name string, status int, log string) {
	b.state(name, map[string]any{"terminated": map[string]any{"exitCode": status, "reason": "Error", "message": log}}, nil)
	if status == 0 {
		b.condition(name, "Complete", "", "")
		return
	}
	b.condition(name, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
}

func (b *batch) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	const jobs = "/apis/batch/v1/namespaces/api/jobs"
	answer := func(v any) { _ = json.NewEncoder(w).Encode(v) }
	name := strings.TrimPrefix(r.URL.Path, jobs+"/")
	switch path := r.URL.Path; {
	case path == "/apis/batch/v1/namespaces/api/cronjobs/api-release":
		answer(map[string]any{"spec": map[string]any{"jobTemplate": map[string]any{
			"metadata": map[string]any{"labels": map[string]any{CommandLabel: "aabbccddeeff"}}, "spec": template(b.image),
		}}})
	case path == jobs && r.Method == http.MethodPost:
		var job map[string]any
		_ = json.NewDecoder(r.Body).Decode(&job)
		metadata := job["metadata"].(map[string]any)
		name := metadata["name"].(string)
		if b.taken {
			b.taken = false
			b.add(name, cmp.Or(b.takenFor, b.image), "aabbccddeeff", 1_800_000_000)
			if b.losesConflict {
				w.WriteHeader(http.StatusBadGateway)
				return
			}
		}
		if b.jobs[name] != nil {
			w.WriteHeader(http.StatusConflict)
			return
		}
		metadata["creationTimestamp"] = "2030-01-01T00:00:00Z"
		job["status"] = map[string]any{}
		b.jobs[name], b.created = job, append(b.created, name)
		if b.loses {
			w.WriteHeader(http.StatusBadGateway)
		}
		answer(job)
	case path == jobs:
		items := []any{}
		for _, name := range slices.Sorted(maps.Keys(b.jobs)) {
			items = append(items, b.jobs[name])
		}
		answer(map[string]any{"items": items})
	case strings.HasPrefix(path, jobs) && b.jobs[name] == nil:
		w.WriteHeader(http.StatusNotFound)
	case strings.HasPrefix(path, jobs) && r.Method == http.MethodDelete:
		delete(b.jobs, name)
		b.removed = append(b.removed, name)
	case strings.HasPrefix(path, jobs) && r.Method == http.MethodPatch:
		var change struct {
			Metadata struct{ Labels map[string]string }
			Spec     struct{ ActiveDeadlineSeconds int }
		}
		_ = json.NewDecoder(r.Body).Decode(&change)
		for key, value := range change.Metadata.Labels {
			b.jobs[name]["metadata"].(map[string]any)["labels"].(map[string]any)[key] = value
		}
		if change.Spec.ActiveDeadlineSeconds == 1 {
			delete(b.pods, name)
			b.condition(name, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
		}
	case strings.HasPrefix(path, jobs):
		b.checks[name]++
		if b.step(name, b.checks[name]); b.jobs[name] == nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		answer(b.jobs[name])
	case path == "/api/v1/namespaces/api/pods":
		items := []any{}
		if p := b.pods[strings.TrimPrefix(r.URL.Query().Get("labelSelector"), "batch.kubernetes.io/job-name=")]; p != nil {
			items = append(items, p)
		}
		answer(map[string]any{"items": items})
	case path == "/api/v1/namespaces/api/events":
		items := []any{}
		if b.event != "" {
			items = append(items, map[string]any{"type": "Warning", "reason": "FailedCreate", "message": b.event})
		}
		answer(map[string]any{"items": items})
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

const (
	firstJob  = "api-release-1"
	secondJob = "api-release-2"
)

func TestReleaseCommandRunsOnce(t *testing.T) {
	b, r := newBatch(t)
	require.NoError(t, r.Run(t.Context()))
	assert.Equal(t, []string{firstJob}, b.created)
	require.NoError(t, r.Run(t.Context()))
	assert.Equal(t, []string{firstJob}, b.created, "it has succeeded for the release")
	r.Command = "ffeeddccbbaa"
	require.ErrorContains(t, r.Run(t.Context()), "CronJob api/api-release was changed meanwhile")
}

// TestReleaseCommandFails checks that a failure is reported, and that the next
// update runs the command again.
func TestReleaseCommandFails(t *testing.T) {
	for name, tt := range map[string]struct {
		step  func(b *batch, name string, look int)
		event string
		want  []string
	}{
		"a status": {
			step: func(b *batch, name string, _ int) { b.ends(name, 3, "adding\nno such table\n") },
			want: []string{"release aaaaaaaaaaaa is refused: its release command ends with status 3; the next update runs it again\n  adding\n  no such table"},
		},
		"memory": {
			step: func(b *batch, name string, _ int) {
				b.ends(name, 1, "")
				b.state(name, map[string]any{"terminated": map[string]any{"exitCode": 137, "reason": "OOMKilled"}}, nil)
			},
			want: []string{"used more than 256 MiB of memory and was killed; the next update runs it again"},
		},
		"time": {
			step: func(b *batch, name string, _ int) {
				b.ends(name, 1, "")
				b.state(name, map[string]any{"terminated": map[string]any{"exitCode": 137}}, map[string]any{"reason": "DeadlineExceeded"})
			},
			want: []string{"has not ended within 5m0s and was killed; the next update runs it again"},
		},
		"its node goes": {
			step: func(b *batch, name string, look int) {
				if b.state(name, map[string]any{"running": map[string]any{}}, nil); look > 2 {
					delete(b.pods, name)
					b.condition(name, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
				}
			},
			want: []string{"was interrupted in Job " + firstJob + " (Job has reached the specified backoff limit), and whether it did its work is unknown: look at what it changes before the next update, which runs it again"},
		},
		"its node goes between two looks": {
			step: func(b *batch, name string, look int) {
				if b.state(name, map[string]any{"waiting": map[string]any{"reason": "ContainerCreating"}}, nil); look > 2 {
					delete(b.pods, name)
					b.condition(name, "Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit")
				}
			},
			want: []string{"was interrupted in Job " + firstJob, "whether it did its work is unknown"},
		},
		"no node": {
			step: func(b *batch, name string, look int) {
				b.pods[name] = map[string]any{"metadata": map[string]any{"name": name + "-x"}, "status": map[string]any{
					"conditions": []any{map[string]any{"type": "PodScheduled", "status": "False", "message": "0/1 nodes are available"}},
				}}
				if look > 2 {
					delete(b.pods, name)
					b.condition(name, "Failed", "DeadlineExceeded", "Job was active longer than specified deadline")
				}
			},
			want: []string{"was not started: pod " + firstJob + "-x finds no node: 0/1 nodes are available; the next update runs it again"},
		},
		"it is evicted": {
			step: func(b *batch, name string, _ int) {
				b.ends(name, 143, "")
				b.state(name, map[string]any{"terminated": map[string]any{"exitCode": 143}}, map[string]any{
					"reason": "Evicted", "conditions": []any{map[string]any{"type": "DisruptionTarget", "status": "True", "message": "The node was low on resource: memory."}},
				})
			},
			want: []string{"was interrupted in Job " + firstJob + " (The node was low on resource: memory), and whether it did its work is unknown"},
		},
		"no image": {
			step: func(b *batch, name string, _ int) {
				if len(b.jobs[name]["status"].(map[string]any)) == 0 {
					b.state(name, map[string]any{"waiting": map[string]any{"reason": "ImagePullBackOff", "message": "manifest unknown"}}, nil)
				}
			},
			want: []string{"was not started: pod " + firstJob + "-x cannot pull its image: manifest unknown; the next update runs it again"},
		},
		"a quota": {
			step:  func(*batch, string, int) {},
			event: "exceeded quota: few",
			want:  []string{"was not started: no pod can be made: exceeded quota: few; the next update runs it again"},
		},
		"the Job is deleted": {
			step: func(b *batch, name string, look int) {
				if look > 1 {
					delete(b.jobs, name)
				}
			},
			want: []string{"was interrupted in Job " + firstJob + " (the Job was deleted)"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, r := newBatch(t)
			well := b.step
			b.step, b.event = func(name string, look int) { tt.step(b, name, look) }, tt.event
			err := r.Run(t.Context())
			require.Error(t, err)
			for _, text := range tt.want {
				require.ErrorContains(t, err, text)
			}
			assert.Equal(t, []string{firstJob}, b.created)
			b.step, b.event = well, ""
			require.NoError(t, r.Run(t.Context()))
			assert.Len(t, b.created, 2, "the next update runs it again")
		})
	}
}

// TestReleaseCommandAfterAKilledUpdate checks that an update continues with the run
// that a killed update has left.
func TestReleaseCommandAfterAKilledUpdate(t *testing.T) {
	t.Run("it goes on", func(t *testing.T) {
		b, r := newBatch(t)
		b.add(firstJob, wanted, r.Command, 1)
		require.NoError(t, r.Run(t.Context()))
		assert.Empty(t, b.created)
	})
	t.Run("it has failed", func(t *testing.T) {
		b, r := newBatch(t)
		b.add(firstJob, wanted, r.Command, 1)
		b.step = func(name string, _ int) {
			if name == firstJob {
				b.ends(firstJob, 3, "no such table")
				return
			}
			b.ends(name, 0, "")
		}
		b.ends(firstJob, 3, "no such table")
		require.ErrorContains(t, r.Run(t.Context()), "ends with status 3; the next update runs it again\n  no such table", "it is reported first")
		assert.Empty(t, b.created)
		require.NoError(t, r.Run(t.Context()))
		assert.Equal(t, []string{secondJob}, b.created)
	})
	t.Run("nothing is known of its end", func(t *testing.T) {
		b, r := newBatch(t)
		b.add(firstJob, wanted, r.Command, 1)
		b.condition(firstJob, "Failed", "BackoffLimitExceeded", "")
		b.step = func(string, int) {}
		require.ErrorContains(t, r.Run(t.Context()), "was interrupted in Job "+firstJob)
		assert.Empty(t, b.created)
	})
}

// TestReleaseCommandOfTwoUpdates checks that of two updates at the same time, one
// runs a command and the other one waits for it.
func TestReleaseCommandOfTwoUpdates(t *testing.T) {
	t.Run("the other is faster", func(t *testing.T) {
		b, r := newBatch(t)
		b.taken = true
		require.NoError(t, r.Run(t.Context()))
		assert.Empty(t, b.created)
		assert.Len(t, b.jobs, 1)
	})
	t.Run("of another release", func(t *testing.T) {
		b, r := newBatch(t)
		const other = "api-release-1"
		b.add(other, older, r.Command, 1)
		b.step = func(name string, look int) {
			if name == other && look < 3 {
				assert.Empty(t, b.created, "one runs at a time")
				return
			}
			b.ends(name, 0, "")
		}
		require.NoError(t, r.Run(t.Context()))
		assert.Equal(t, []string{secondJob}, b.created)
		assert.GreaterOrEqual(t, b.checks[other], 3)
	})
	t.Run("of another release that is faster", func(t *testing.T) {
		for _, loses := range []bool{false, true} {
			b, r := newBatch(t)
			b.taken, b.takenFor, b.losesConflict = true, older, loses
			require.NoError(t, r.Run(t.Context()))
			assert.Equal(t, []string{secondJob}, b.created, "the other one's is "+firstJob)
		}
	})
	t.Run("the answer is lost", func(t *testing.T) {
		b, r := newBatch(t)
		b.loses = true
		require.NoError(t, r.Run(t.Context()))
		assert.Equal(t, []string{firstJob}, b.created)
	})
}

// TestReleaseCommandKeepsRecords checks that the Jobs of the newest runs stay.
func TestReleaseCommandKeepsRecords(t *testing.T) {
	b, r := newBatch(t)
	for n := range maxJobs + 5 {
		name := fmt.Sprintf("api-release-%d", n+1)
		b.add(name, strings.Replace(wanted, "aaaaaaaaaaaa", fmt.Sprintf("%012x", n), 1), r.Command, n)
		b.condition(name, "Complete", "", "")
	}
	require.NoError(t, r.Run(t.Context()))
	assert.Len(t, b.removed, 5)
	assert.Equal(t, firstJob, b.removed[0])
}

// TestReleaseCommandWaitsForWhatItNeeds checks that the command does not run before
// the Deployments that it needs are ready.
func TestReleaseCommandWaitsForWhatItNeeds(t *testing.T) {
	b, r := newBatch(t)
	r.Needs, r.Timeout = []string{"api-redis"}, 20*time.Millisecond
	require.ErrorContains(t, r.Run(t.Context()), "deployment api-redis does not exist yet")
	assert.Empty(t, b.created)
}
