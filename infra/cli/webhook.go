package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"escala/infra/engine"
	"escala/infra/program"
	"escala/infra/workspace"
	"escala/service/event"
)

// notifyKey is the configuration key with the webhook.
const notifyKey = workspace.Namespace + ":notify"

// tellFailure reports to the stack's webhook why an update failed. An update that did
// not begin, since another one works on the stack, is not reported: that one reports
// its own result. It returns an error if the webhook was not told.
func (s *session) tellFailure(ctx context.Context, began time.Time, failed error) error {
	reason := s.reason.reason(failed)
	locked := new(engine.LockedError)
	switch {
	case s.update.Began():
		return s.update.Failed(ctx, errors.New(reason))
	case errors.As(failed, &locked), errors.Is(failed, engine.ErrInterrupted):
		return nil
	}
	// The program has not read its configuration, so the state is at fault, or the
	// configuration's passphrase.
	url, err := s.webhook(ctx)
	if err != nil {
		return fmt.Errorf("notify.webhook was not told of this update: %w", err)
	}
	kind := event.Update
	if release, _, _ := s.Config(ctx, releaseKey); release != "" {
		kind = event.Rollback
	}
	return program.NotBegun(ctx, s.root, url, event.Event{Kind: kind, Stack: s.project + "/" + s.Name(), Time: began}, reason)
}

// webhook returns the URL of the stack's webhook, decrypted, or "" without one.
func (s *session) webhook(ctx context.Context) (string, error) {
	value, set, err := s.Config(ctx, notifyKey)
	if err != nil || !set {
		return "", err
	}
	var notify struct{ Webhook string }
	if err := json.Unmarshal([]byte(value), &notify); err != nil {
		return "", nil //nolint:nilerr // the program reports a key with another form
	}
	return notify.Webhook, nil
}
