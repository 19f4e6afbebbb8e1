package program

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/build"
	"escala/infra/deploy"
	"escala/service"
	"escala/service/event"
)

type noResources struct{}

func (noResources) NewResource(pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	return "", nil, nil
}

func (noResources) Call(pulumi.MockCallArgs) (resource.PropertyMap, error) { return nil, nil }

// notified runs an update and returns the events that the webhook got.
func notified(t *testing.T, status int, preview bool, update func(*notice)) ([]event.Event, time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var got []event.Event
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e event.Event
		_ = json.NewDecoder(r.Body).Decode(&e)
		mu.Lock()
		got = append(got, e)
		mu.Unlock()
		if status == 0 {
			<-over
			return
		}
		w.WriteHeader(status)
	}))
	defer server.Close()
	defer close(over)
	began := time.Now()
	options := []pulumi.RunOption{pulumi.WithMocks("escala", "x", noResources{})}
	if preview {
		options = append(options, func(info *pulumi.RunInfo) { info.DryRun = true })
	}
	require.NoError(t, pulumi.RunErr(func(ctx *pulumi.Context) error {
		r := deploy.Request{
			Webhook: server.URL, Project: "escala", Stack: "x", Outputs: map[string]any{"release": strings.Repeat("1", 64)},
			Release: build.Release{Release: service.Release{ID: service.ReleaseID(strings.Repeat("2", 64))}},
		}
		n := newNotice(ctx, t.TempDir(), r, false)
		n.about(r)
		n.hook.Timeout, n.hook.Pause = 100*time.Millisecond, time.Millisecond
		update(n)
		return nil
	}, options...))
	mu.Lock()
	defer mu.Unlock()
	return got, time.Since(began)
}

func served(release string) func(*notice) {
	return func(n *notice) {
		// The output is like one of a resource: the program waits for what depends
		// on it.
		out, resolve, _ := n.ctx.NewOutput()
		n.served(out.ApplyT(func(v any) string { return v.(string) }).(pulumi.StringOutput))
		resolve(strings.Repeat(release, 64))
	}
}

func TestTheWebhookIsToldOnce(t *testing.T) {
	got, _ := notified(t, 200, false, served("2"))
	require.Len(t, got, 1)
	assert.Equal(t, event.Update, got[0].Kind)
	assert.Equal(t, event.Succeeded, got[0].Result)
	assert.Equal(t, "escala/x", got[0].Stack)
	assert.Equal(t, strings.Repeat("2", 64), string(got[0].Release))

	got, _ = notified(t, 200, false, served("1"))
	assert.Empty(t, got, "the release is the one before")

	got, _ = notified(t, 200, false, func(n *notice) {
		_ = n.failed(context.Background(), errors.New("release 222222222222 does not serve\nthe machine reports:\nmuch"))
		_ = n.failed(context.Background(), errors.New("again"))
	})
	require.Len(t, got, 1)
	assert.Equal(t, event.Failed, got[0].Result)
	assert.Equal(t, "release 222222222222 does not serve", got[0].Text)
}

func TestAPreviewTellsNothing(t *testing.T) {
	got, _ := notified(t, 200, true, func(n *notice) {
		served("2")(n)
		_ = n.failed(context.Background(), errors.New("x"))
	})
	assert.Empty(t, got)
}

// TestAWebhookThatIsUnwellFailsNoUpdate checks that a webhook that hangs or answers
// 500 fails no update, and delays it for no longer than two tries take.
func TestAWebhookThatIsUnwellFailsNoUpdate(t *testing.T) {
	for _, status := range []int{0, 500, 404} {
		got, took := notified(t, status, false, served("2"))
		assert.NotEmpty(t, got)
		assert.Less(t, took, 10*time.Second)
	}
}

// TestARollbackIsToldAlways checks that a rollback is reported although it goes to
// the release of the outputs: it takes back a failed release.
func TestARollbackIsToldAlways(t *testing.T) {
	got, _ := notified(t, 200, false, func(n *notice) {
		n.event.Kind = event.Rollback
		served("1")(n)
	})
	require.Len(t, got, 1)
	assert.Equal(t, event.Rollback, got[0].Kind)
}

// TestAnUpdateThatFailsBeforeTheGateIsTold checks that the caller reports an update
// that fails in its configuration or at its provider, even an interrupted one, and
// that a failure that the gate has reported is not reported again.
func TestAnUpdateThatFailsBeforeTheGateIsTold(t *testing.T) {
	interrupted, cancel := context.WithCancel(t.Context())
	cancel()
	got, _ := notified(t, 200, false, func(n *notice) {
		var u Update
		require.NoError(t, u.Failed(interrupted, errors.New("before the configuration was read")))
		u.setNotice(n)
		require.NoError(t, u.Failed(interrupted, nil))
		require.NoError(t, u.Failed(interrupted, errors.New("the configuration of stack x cannot be used: service.naem: is not a key (and 2 more)")))
		require.NoError(t, n.failed(t.Context(), errors.New("again")))
	})
	require.Len(t, got, 1)
	assert.Equal(t, event.Failed, got[0].Result)
	assert.Equal(t, "the configuration of stack x cannot be used: service.naem: is not a key (and 2 more)", got[0].Text)
	assert.Equal(t, "escala/x", got[0].Stack)

	got, _ = notified(t, 404, false, func(n *notice) {
		var u Update
		u.setNotice(n)
		require.ErrorContains(t, u.Failed(t.Context(), errors.New("no credentials")), "notify.webhook was not told of this update: the webhook answers 404")
	})
	assert.Len(t, got, 1)
}
