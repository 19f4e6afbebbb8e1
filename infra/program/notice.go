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

// checkWebhook adds what is wrong with the webhook, and reports whether nothing is. A
// plan has a placeholder.
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

// Update is one update of a stack, for a caller that knows how it ends.
type Update struct {
	mu     sync.Mutex
	notice *notice // nil before the program has read its configuration
}

// Program returns the program for the project at root, as New does. Its caller calls
// Failed if the update fails.
func (u *Update) Program(root string, keys []string, targets Targets) pulumi.RunFunc {
	return u.run(root, keys, targets, false)
}

func (u *Update) tells(n *notice) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.notice = n
}

// Failed tells the webhook why the update failed, unless it knows, or err is nil. It
// returns the error of a webhook that did not take it.
func (u *Update) Failed(ctx context.Context, err error) error {
	u.mu.Lock()
	n := u.notice
	u.mu.Unlock()
	if n == nil || err == nil {
		return nil
	}
	// An update that was interrupted is told too.
	return n.failed(context.WithoutCancel(ctx), err)
}

// notice tells the webhook once how an update of the release went. Neither a preview
// nor an update that changes no release tells anything; one to a pinned release does,
// since it may take back what failed.
type notice struct {
	ctx     *pulumi.Context
	hook    webhook.Webhook
	event   event.Event
	last    service.ReleaseID
	began   time.Time
	origin  func(context.Context) origin.Origin
	telling sync.Once
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

// failed tells that the release does not serve, or why it was not even tried.
func (n *notice) failed(ctx context.Context, err error) error {
	// The lines after the first are a machine's or a cluster's account.
	reason, _, _ := strings.Cut(err.Error(), "\n")
	reason = strings.TrimSuffix(reason, ":")
	return n.tell(ctx, event.Failed, reason)
}

// served tells that the release serves, once it does.
func (n *notice) served(release pulumi.StringOutput) {
	release.ApplyTWithContext(n.ctx.Context(), func(ctx context.Context, id string) string {
		if service.ReleaseID(id) != n.last || n.event.Kind == event.Rollback {
			_ = n.tell(ctx, event.Succeeded, "") // the display says it
		}
		return id
	})
}

// tell sends the event. A webhook that does not take it changes nothing but a line
// of the display.
func (n *notice) tell(ctx context.Context, result, text string) (failed error) {
	if n.hook.URL == "" || n.ctx.DryRun() {
		return nil
	}
	n.telling.Do(func() {
		e, from := n.event, n.origin(ctx)
		e.Time, e.Result, e.Text = n.began.UTC().Truncate(time.Second), result, text
		e.Seconds = int(time.Since(n.began) / time.Second)
		e.Who, e.Commit, e.Dirty, e.Run = from.Who(), from.Commit, from.Dirty, from.URL
		if err := n.hook.Send(ctx, e); err != nil {
			failed = fmt.Errorf("notify.webhook was not told of this update: %w", err)
			_ = n.ctx.Log.Warn(failed.Error(), nil)
		}
	})
	return failed
}
