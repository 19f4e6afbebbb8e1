package pods

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/operate"
)

// runs is an API server that runs Jobs: the pod of each exists at the second
// request, and ends with a status.
type runs struct {
	mu      sync.Mutex
	active  string // a Job of the CronJob that goes on
	status  int
	hangs   bool
	created map[string]any
	deleted string
	looks   int
}

func (r *runs) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	const pods, jobs = "/api/v1/namespaces/api/pods", "/apis/batch/v1/namespaces/api/jobs"
	switch path := req.URL.Path; {
	case path == "/apis/batch/v1/namespaces/api/cronjobs/api-report":
		active := ""
		if r.active != "" {
			active = `{"name":"` + r.active + `"}`
		}
		fmt.Fprintf(w, `{"metadata":{"name":"api-report","uid":"u1"},"spec":{"concurrencyPolicy":"Forbid","jobTemplate":{"metadata":{"labels":{"a":"b"}},"spec":{"backoffLimit":0,"template":{"spec":{"containers":[{"name":"report"}]}}}}},"status":{"active":[%s]}}`, active)
	case path == "/apis/apps/v1/namespaces/api/deployments/api-mailer":
		fmt.Fprint(w, `{"spec":{"template":{"metadata":{"labels":{"c":"d"}},"spec":{"containers":[{"name":"mailer"}]}}}}`)
	case path == jobs && req.Method == http.MethodPost:
		_ = json.NewDecoder(req.Body).Decode(&r.created)
		fmt.Fprint(w, `{}`)
	case strings.HasPrefix(path, jobs+"/") && req.Method == http.MethodDelete:
		r.deleted = strings.TrimPrefix(path, jobs+"/") + " " + req.URL.Query().Get("propagationPolicy")
		fmt.Fprint(w, `{}`)
	case strings.HasPrefix(path, jobs+"/"):
		fmt.Fprint(w, `{"status":{}}`)
	case path == pods:
		name, _ := r.created["metadata"].(map[string]any)["name"].(string)
		if req.URL.Query().Get("labelSelector") != "batch.kubernetes.io/job-name="+name {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if r.looks++; r.looks < 2 || r.hangs {
			fmt.Fprint(w, `{"items":[]}`)
			return
		}
		fmt.Fprintf(w, `{"items":[{"metadata":{"name":"p"},"status":{"containerStatuses":[{"state":{"terminated":{"exitCode":%d}}}]}}]}`, r.status)
	case path == pods+"/p/log":
		fmt.Fprint(w, "the report\n")
	default:
		w.WriteHeader(http.StatusNotFound)
		fmt.Fprint(w, `{"message":"not found"}`)
	}
}

func (r *runs) cluster(t *testing.T) *Cluster {
	t.Helper()
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	c, err := New(`apiVersion: v1
kind: Config
clusters: [{name: a, cluster: {server: "`+server.URL+`"}}]
contexts: [{name: a, context: {cluster: a}}]
current-context: a
`, "api", "api")
	require.NoError(t, err)
	return c
}

func TestRunMakesAJobOfASchedule(t *testing.T) {
	t.Parallel()
	r := &runs{}
	var out bytes.Buffer
	require.NoError(t, r.cluster(t).Run(t.Context(), operate.RunRequest{Name: "report", Out: &out}))
	assert.Equal(t, "the report\n", out.String())
	metadata := r.created["metadata"].(map[string]any)
	assert.Regexp(t, `^api-report-[a-z2-7]{6}$`, metadata["name"])
	assert.Equal(t, map[string]any{"a": "b"}, metadata["labels"])
	assert.Equal(t, "api-report", metadata["ownerReferences"].([]any)[0].(map[string]any)["name"])
	spec := r.created["spec"].(map[string]any)
	assert.InDelta(t, 3600, spec["ttlSecondsAfterFinished"], 0)
	assert.InDelta(t, 0, spec["backoffLimit"], 0)
	assert.Empty(t, r.deleted)
}

func TestRunMakesAJobOfAProcess(t *testing.T) {
	t.Parallel()
	r := &runs{status: 7}
	err := r.cluster(t).Run(t.Context(), operate.RunRequest{Name: "mailer", Out: io.Discard})
	var ended *operate.ExitError
	require.ErrorAs(t, err, &ended)
	assert.Equal(t, 7, ended.Status)
	spec := r.created["spec"].(map[string]any)
	assert.Equal(t, "Never", spec["template"].(map[string]any)["spec"].(map[string]any)["restartPolicy"])
}

func TestRunRefusesWhatGoesOnOrIsNotThere(t *testing.T) {
	t.Parallel()
	r := &runs{active: "api-report-29"}
	err := r.cluster(t).Run(t.Context(), operate.RunRequest{Name: "report", Out: io.Discard})
	require.ErrorContains(t, err, "a run goes on: Job api/api-report-29")
	err = r.cluster(t).Run(t.Context(), operate.RunRequest{Name: "other", Out: io.Discard})
	require.ErrorContains(t, err, "neither a CronJob nor a Deployment api-other")
	assert.Nil(t, r.created)
}

func TestAnInterruptedRunIsDeleted(t *testing.T) {
	t.Parallel()
	r := &runs{hangs: true}
	c := r.cluster(t)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx, operate.RunRequest{Name: "report", Out: io.Discard}) }()
	require.Eventually(t, func() bool { r.mu.Lock(); defer r.mu.Unlock(); return r.looks > 0 }, 20*time.Second, 10*time.Millisecond)
	cancel()
	require.ErrorIs(t, <-ended, context.Canceled)
	assert.Contains(t, r.deleted, " Background")
}
