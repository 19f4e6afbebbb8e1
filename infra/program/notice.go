package program

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/cloudinit/agent/webhook"
	"escala/infra/deploy"
	"escala/infra/operate/origin"
	"escala/service"
	"escala/service/event"
)

// checkWebhook adds what is wrong with the webhook, and reports whether it is valid.
// A plan has a placeholder instead of the URL.
func checkWebhook(ctx *pulumi.Context, v *service.Violations, url string, offline bool) bool {
	if url == "" || offline {
		return true
	}
	before := len(*v)
	if err := webhook.Check(url); err != nil {
		v.Add("notify.webhook", "%s", err)
	}
	if key := "escala:notify"; !ctx.IsConfigSecret(key) {
		v.Add("notify.webhook", "is not encrypted in the configuration; set it with: pulumi config set --secret --path '%s.webhook'", key)
	}
	return len(*v) == before
}

// Update is one update of a stack, for a caller that knows its result.
type Update struct {
	mu     sync.Mutex
	notice *notice // nil before the program has read its configuration
}

// Program returns the program for the project at root, as New does. The caller must
// call Failed if the update fails.
func (u *Update) Program(root string, keys []string, targets Targets) pulumi.RunFunc {
	return u.run(root, keys, targets, false)
}

func (u *Update) setNotice(n *notice) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.notice = n
}

// Began reports whether the program has read its configuration.
func (u *Update) Began() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.notice != nil
}

// NotBegun reports to the webhook at url that an update failed before the program has
// read its configuration. e has the update's stack, its kind and the time of its
// begin. It does nothing without a URL. It returns an error if the webhook did not
// accept the report.
func NotBegun(ctx context.Context, root, url string, e event.Event, reason string) error {
	if url == "" {
		return nil
	}
	if err := webhook.Check(url); err != nil {
		return fmt.Errorf("notify.webhook was not told of this update: %w", err)
	}
	e.Result, e.Text = event.Failed, reason
	return send(context.WithoutCancel(ctx), webhook.Webhook{URL: url}, e, origin.Of(ctx, root))
}

// send completes an event of an update that ends now, and sends it.
func send(ctx context.Context, hook webhook.Webhook, e event.Event, from origin.Origin) error {
	e.Seconds = int(time.Since(e.Time) / time.Second)
	e.Time = e.Time.UTC().Truncate(time.Second)
	e.Who, e.Commit, e.Dirty, e.Run = from.Who(), from.Commit, from.Dirty, from.URL
	if err := hook.Send(ctx, e); err != nil {
		return fmt.Errorf("notify.webhook was not told of this update: %w", err)
	}
	return nil
}

// Failed reports to the webhook why the update failed. It does nothing if that was
// reported, or if err is nil. It returns an error if the webhook did not accept the
// report.
func (u *Update) Failed(ctx context.Context, err error) error {
	u.mu.Lock()
	n := u.notice
	u.mu.Unlock()
	if n == nil || err == nil {
		return nil
	}
	// An interrupted update is reported too.
	return n.failed(context.WithoutCancel(ctx), err)
}

// notice reports the result of an update of the release to the webhook, once. A
// preview is not reported, and neither is an update that changes no release. An
// update to a pinned release is always reported, since it may take back a failed
// one.
type notice struct {
	ctx      *pulumi.Context
	hook     webhook.Webhook
	event    event.Event
	last     service.ReleaseID
	began    time.Time
	origin   func(context.Context) origin.Origin
	sendOnce sync.Once
}

// newNotice returns the notice of an update that begins now.
func newNotice(ctx *pulumi.Context, root string, r deploy.Request, pinned bool) *notice {
	n := &notice{
		ctx: ctx, hook: webhook.Webhook{URL: r.Webhook}, began: time.Now(),
		origin: func(ctx context.Context) origin.Origin { return origin.Of(ctx, root) },
		event:  event.Event{Kind: event.Update, Stack: ctx.Project() + "/" + ctx.Stack()},
	}
	if pinned {
		n.event.Kind = event.Rollback
	}
	return n
}

// about adds what is known once the release is built.
func (n *notice) about(r deploy.Request) {
	n.event.Release = r.Release.ID
	last, _ := r.Outputs["release"].(string)
	n.last = service.ReleaseID(last)
}

// failed reports that the release does not serve, or why it was not tried.
func (n *notice) failed(ctx context.Context, err error) error {
	// The lines after the first are the report of a machine or a cluster.
	reason, _, _ := strings.Cut(err.Error(), "\n")
	reason = strings.TrimSuffix(reason, ":")
	return n.send(ctx, event.Failed, reason)
}

// served reports that the release serves, once it does.
func (n *notice) served(release pulumi.StringOutput) {
	release.ApplyTWithContext(n.ctx.Context(), func(ctx context.Context, id string) string {
		if service.ReleaseID(id) != n.last || n.event.Kind == event.Rollback {
			_ = n.send(ctx, event.Succeeded, "") // the display shows it
		}
		return id
	})
}

// send sends the event. If the webhook does not accept it, the display has one line
// more, and nothing else changes.
func (n *notice) send(ctx context.Context, result, text string) (failed error) {
	if n.hook.URL == "" || n.ctx.DryRun() {
		return nil
	}
	n.sendOnce.Do(func() {
		e := n.event
		e.Time, e.Result, e.Text = n.began, result, text
		if failed = send(ctx, n.hook, e, n.origin(ctx)); failed != nil {
			_ = n.ctx.Log.Warn(failed.Error(), nil)
		}
	})
	return failed
}
