package program

import (
	"context"
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

// checkWebhook adds what is wrong with the webhook. A plan has a placeholder.
func checkWebhook(ctx *pulumi.Context, v *service.Violations, url string, offline bool) {
	if url == "" || offline {
		return
	}
	if err := webhook.Check(url); err != nil {
		v.Add("notify.webhook", "%s", err)
	}
	if key := "escala:notify"; !ctx.IsConfigSecret(key) {
		v.Add("notify.webhook", "is not encrypted in the configuration; set it with: pulumi config set --secret --path '%s.webhook'", key)
	}
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
		event:  event.Event{Kind: event.Update, Stack: r.Project + "/" + r.Stack, Release: r.Release.ID},
	}
	if pinned {
		n.event.Kind = event.Rollback
	}
	last, _ := r.Outputs["release"].(string)
	n.last = service.ReleaseID(last)
	return n
}

// failed tells that the release does not serve.
func (n *notice) failed(ctx context.Context, err error) {
	// The lines after the first are a machine's or a cluster's account.
	reason, _, _ := strings.Cut(err.Error(), "\n")
	n.tell(ctx, event.Failed, reason)
}

// served tells that the release serves, once it does.
func (n *notice) served(release pulumi.StringOutput) {
	release.ApplyTWithContext(n.ctx.Context(), func(ctx context.Context, id string) string {
		if service.ReleaseID(id) != n.last || n.event.Kind == event.Rollback {
			n.tell(ctx, event.Succeeded, "")
		}
		return id
	})
}

// tell sends the event. A webhook that does not take it changes nothing but a line
// of the display.
func (n *notice) tell(ctx context.Context, result, text string) {
	if n.hook.URL == "" || n.ctx.DryRun() {
		return
	}
	n.telling.Do(func() {
		e, from := n.event, n.origin(ctx)
		e.Time, e.Result, e.Text = n.began.UTC().Truncate(time.Second), result, text
		e.Seconds = int(time.Since(n.began) / time.Second)
		e.Who, e.Commit, e.Dirty, e.Run = from.Who(), from.Commit, from.Dirty, from.URL
		if err := n.hook.Send(ctx, e); err != nil {
			_ = n.ctx.Log.Warn("notify.webhook was not told of this update: "+err.Error(), nil)
		}
	})
}
