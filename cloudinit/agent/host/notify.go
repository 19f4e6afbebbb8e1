package host

import (
	"context"
	"fmt"
	"time"

	"escala/cloudinit/agent/report"
	"escala/cloudinit/agent/secrets"
	"escala/cloudinit/agent/webhook"
	"escala/service/event"
	"escala/service/machine"
)

// notifier sends a machine's events to the webhook.
type notifier struct {
	stack, machine string
	secrets        ownSecrets

	url string // "" until it was read
}

var _ report.Webhook = (*notifier)(nil)

// Send sends an event. It omits a release that serves: the update that waits for it
// reports that, with its author.
func (n *notifier) Send(ctx context.Context, e machine.Event) error {
	if e.Kind == machine.EventRelease {
		return nil
	}
	if n.url == "" {
		url, err := n.secrets.read(ctx, secrets.Webhook)
		if err != nil {
			return fmt.Errorf("reading the webhook's URL: %w", err)
		}
		n.url = url
	}
	return webhook.Webhook{URL: n.url}.Send(ctx, event.Event{
		Time: time.Unix(e.Time, 0).UTC(), Kind: event.Kind(e.Kind), Stack: n.stack, Instance: n.machine, Release: e.Release, Text: e.Text,
	})
}
