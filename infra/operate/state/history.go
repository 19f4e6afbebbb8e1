package state

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"escala/infra/engine"
	"escala/infra/operate"
	"escala/infra/operate/origin"
	"escala/infra/workspace"
	"escala/service"
	"escala/service/event"
)

// MaxUpdates is the largest number of updates that are read from a stack's history.
const MaxUpdates = 1000

// history reads the history that Pulumi stores beside the state: operations of make
// and of Pulumi's command line, including failed ones.
type history struct {
	stack  *operate.Stack
	engine *engine.Stack
	// exported means that the state is in the backend that Pulumi's command line is
	// logged in to.
	exported bool
}

// updates implements operate.Stack's Updates.
func (h history) updates(ctx context.Context, since time.Time, limit int) ([]operate.Update, error) {
	limit = min(limit, MaxUpdates)
	if !h.exported {
		entries, err := h.engine.History(since, limit)
		if err != nil {
			return nil, err
		}
		updates := make([]operate.Update, 0, len(entries))
		for _, e := range entries {
			updates = append(updates, h.update(e))
		}
		return updates, nil
	}
	return h.listed(ctx, since, limit)
}

// kinds maps Pulumi's names of operations to kinds of events.
var kinds = map[string]event.Kind{"update": event.Update, "refresh": event.Refresh, "destroy": event.Destroy}

// releaseKey pins a release. An update with it is a rollback.
const releaseKey = workspace.Namespace + ":release"

func (h history) update(e engine.Update) operate.Update {
	from := origin.From(e.Environment)
	kind, ok := kinds[e.Kind]
	if !ok {
		kind = event.Kind(operate.Plain(e.Kind))
	}
	if kind == event.Update && slices.Contains(e.Keys, releaseKey) {
		kind = event.Rollback
	}
	u := operate.Update{Event: event.Event{
		Time: time.Unix(e.Start, 0).UTC(), Kind: kind, Stack: h.stack.Project + "/" + h.stack.Name,
		Who: operate.Plain(from.Who()), Run: operate.Plain(from.URL), Commit: operate.Plain(from.Commit), Dirty: from.Dirty,
		Release: operate.ID(service.ReleaseID(e.Environment[origin.Release])),
		Result:  operate.Plain(e.Result), Seconds: int(max(0, e.End-e.Start)), Text: operate.Plain(e.Environment[origin.Reason]),
	}}
	if kind == event.Refresh {
		u.Drifted = operate.Plain(e.Environment[origin.Drifted])
		if u.Drifted != "" && u.Text == "" {
			u.Text = "changed outside of the stack: " + u.Drifted
		}
	}
	for op, n := range e.Changes {
		if op != "same" && op != "read" {
			u.Changes += n
		}
	}
	return u
}

// listed reads the history with `pulumi stack history --json`.
func (h history) listed(ctx context.Context, since time.Time, limit int) ([]operate.Update, error) {
	ctx, cancel := context.WithTimeout(ctx, exportTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "pulumi", "stack", "history", "--json", "--non-interactive",
		"--stack", h.stack.Name, "--page-size", strconv.Itoa(limit), "--page", "1")
	cmd.Dir = h.stack.Root
	cmd.WaitDelay = time.Second
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("reading the history with pulumi stack history: %w: %s", err, strings.TrimSpace(said.String()))
	}
	return h.parse(out.Bytes(), since)
}

// parse parses the output of `pulumi stack history --json`, the latest first
// (pkg/v3/cmd/pulumi/stack, updateInfoJSON).
func (h history) parse(content []byte, since time.Time) ([]operate.Update, error) {
	var entries []struct {
		Kind            string                     `json:"kind"`
		StartTime       time.Time                  `json:"startTime"`
		EndTime         *time.Time                 `json:"endTime"`
		Environment     map[string]string          `json:"environment"`
		Config          map[string]json.RawMessage `json:"config"`
		Result          string                     `json:"result"`
		ResourceChanges map[string]int             `json:"resourceChanges"`
	}
	if err := json.Unmarshal(content, &entries); err != nil {
		return nil, fmt.Errorf("reading what pulumi stack history printed: %w", err)
	}
	var updates []operate.Update
	for _, e := range slices.Backward(entries) {
		if e.StartTime.Before(since) {
			continue
		}
		u := engine.Update{Kind: e.Kind, Start: e.StartTime.Unix(), End: e.StartTime.Unix(), Result: e.Result, Environment: e.Environment, Changes: e.ResourceChanges}
		if e.EndTime != nil {
			u.End = e.EndTime.Unix()
		}
		for key := range e.Config {
			u.Keys = append(u.Keys, key)
		}
		updates = append(updates, h.update(u))
	}
	return updates, nil
}
