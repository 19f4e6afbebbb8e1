package operate

import (
	"context"
	"slices"
	"time"

	"escala/service/event"
)

// recentUpdates is the number of past updates that a status reads.
const recentUpdates = 20

// Recall adds the last update and the last check for drift to a status.
func (s *Status) Recall(ctx context.Context, stack *Stack) {
	if stack.Updates == nil {
		return
	}
	all, err := stack.Updates(ctx, time.Time{}, recentUpdates)
	if err != nil {
		s.NotKnown("the last updates: %s", Plain(err.Error()))
		return
	}
	for _, u := range slices.Backward(all) {
		found := Updated{Time: u.Time, Kind: string(u.Kind), Result: u.Result, Changes: u.Changes, Drifted: u.Drifted, Who: u.Who, Seconds: u.Seconds}
		switch {
		case u.Kind == event.Refresh && s.Drift == nil && u.Result == event.Succeeded:
			s.Drift = &found
		case (u.Kind == event.Update || u.Kind == event.Rollback) && s.Updated == nil:
			s.Updated = &found
			if u.Result == event.Failed {
				s.Problem("the last update failed %s ago%s", Ago(s.Time.Sub(u.Time)), because(u.Text))
			}
		}
	}
}

func because(text string) string {
	if text == "" {
		return ""
	}
	return ": " + text
}

// Events returns the events of a stack since a time, the latest last, at most limit:
// its updates, and those that its platform recorded. An error stands for events that
// could not be read; the other events are still returned.
func Events(ctx context.Context, s *Stack, platform Eventer, since time.Time, limit int) ([]event.Event, []error) {
	var all []event.Event
	var failed []error
	if s.Updates != nil {
		updates, err := s.Updates(ctx, since, limit)
		if err != nil {
			failed = append(failed, err)
		}
		for _, u := range updates {
			all = append(all, u.Event)
		}
	}
	if platform != nil {
		events, err := platform.Events(ctx, s, since)
		if err != nil {
			failed = append(failed, err)
		}
		all = append(all, events...)
	}
	slices.SortStableFunc(all, func(a, b event.Event) int { return a.Time.Compare(b.Time) })
	return all[max(0, len(all)-limit):], failed
}
