package conformance

import (
	"context"
	"fmt"
	"time"
)

// clientChecks returns the checks of clients that harm other clients: they read
// slowly, claim to be another client, or are many.
func clientChecks(c Counts) []Check {
	return []Check{
		{
			ID: "slow-readers", Title: "clients that read nothing for " + hanging.String(),
			What:   "WebSockets that say as much as they may and read nothing, uploads and answers that do not move, headers that never end. No other client may notice, and no worker may die of them.",
			Budget: Budget{Normal: time.Minute},
			do: func(ctx context.Context, t *checkRun) error {
				before, err := t.system.Status(ctx)
				if err != nil {
					return fmt.Errorf("asking for the status: %w", err)
				}
				if err := t.slowClients(ctx, hanging); err != nil {
					return err
				}
				if err := t.recover(ctx, time.Now(), before.Incident); err != nil {
					return err
				}
				after, err := t.system.Status(ctx)
				if err != nil {
					return fmt.Errorf("asking for the status: %w", err)
				}
				if after.Incident != before.Incident {
					return fmt.Errorf("something died meanwhile: %s", after.Incident)
				}
				return nil
			},
		},
		{
			ID: "claims", Title: "clients that claim to be another",
			What:   "Each header that a proxy uses to describe its client is sent by a client. None may name the request, or let a foreign page in.",
			Budget: lossless,
			do:     func(ctx context.Context, t *checkRun) error { return t.claims(ctx) },
		},
		{
			ID: "many-websockets", Title: fmt.Sprintf("%d WebSockets at once", c.WebSockets),
			What:   "That many WebSockets are opened, beside the load. All must come up and stay, and health must answer.",
			Budget: lossless,
			do:     func(ctx context.Context, t *checkRun) error { return t.manyWebSockets(ctx, c.WebSockets) },
		},
	}
}
