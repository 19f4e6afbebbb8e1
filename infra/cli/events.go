package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"escala/infra/deploy"
	"escala/infra/operate"
	"escala/infra/operate/screen"
	"escala/infra/operate/state"
	"escala/service/event"
)

// eventsShown is the number of events that are shown without --since.
const eventsShown = 50

func eventsCommand(o *opener) *cobra.Command {
	var (
		asJSON bool
		since  string
	)
	c := operateCommand{
		use: "events", short: "List what happened to the stack: updates, refusals, incidents, certificates",
		run: func(cmd *cobra.Command, s *operate.Stack, target deploy.Target, _ []string) error {
			from, limit := time.Time{}, eventsShown
			if since != "" {
				var err error
				if from, err = sinceTime(since, time.Now()); err != nil {
					return err
				}
				limit = state.MaxUpdates
			}
			platform, _ := target.(operate.Eventer)
			all, failed := operate.Events(cmd.Context(), s, platform, from, limit)
			for _, err := range failed {
				fmt.Fprintln(os.Stderr, "not listed:", operate.Plain(err.Error()))
			}
			if asJSON {
				if all == nil {
					all = []event.Event{}
				}
				if err := printJSON(cmd.OutOrStdout(), all); err != nil {
					return err
				}
			} else {
				screen.Screen{Out: cmd.OutOrStdout(), Color: color(), Now: time.Now()}.Events(all)
			}
			if len(failed) > 0 {
				return &statusError{1}
			}
			return nil
		},
	}.command(o)
	c.Flags().BoolVar(&asJSON, "json", false, "print the events as JSON (docs/operations.md)")
	c.Flags().StringVar(&since, "since", "", "time of the first event: 30m, 12h, 7d, or 2026-11-26T09:00:00Z (default the last "+strconv.Itoa(eventsShown)+" events)")
	return c
}

// sinceTime parses the flag --since: a duration before now, in minutes, hours or
// days, or a point in time.
func sinceTime(text string, now time.Time) (time.Time, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.Atoi(days); err == nil && n >= 0 && n < 36500 {
			return now.AddDate(0, 0, -n), nil
		}
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return now.Add(-d), nil
	}
	for _, layout := range []string{time.RFC3339, time.DateTime, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errors.New("--since " + strconv.Quote(text) + " is no time: for example 30m, 12h, 7d or 2026-11-26T09:00:00Z")
}
