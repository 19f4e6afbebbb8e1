package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"escala/infra/engine"
)

// up refreshes first: a machine on this computer may be gone by now, for example
// after a reboot.
func up(ctx context.Context, s *session) error {
	run := s.run
	run.Refresh, run.SuppressOutputs = true, true
	began := time.Now()
	result, err := s.Up(ctx, run)
	if err != nil {
		if untold := s.tellFailure(ctx, began, err); untold != nil {
			fmt.Fprintln(os.Stderr, untold)
		}
		return explained(err)
	}
	fmt.Println()
	for _, key := range []string{"url", "health", "release", "target"} {
		if output, set := result.Outputs[key]; set {
			fmt.Printf("%-8s %v\n", key, output.Value)
		}
	}
	return nil
}

func preview(ctx context.Context, s *session) error {
	_, err := s.Preview(ctx, s.run)
	return explained(err)
}

func refresh(ctx context.Context, s *session) error {
	run, found := s.run, new(drift)
	run.Event = func(e apitype.EngineEvent) {
		s.run.Event(e)
		found.take(e)
	}
	run.Annotate = func(outputs map[string]engine.Output, failed error) map[string]string {
		notes := s.run.Annotate(outputs, failed)
		found.annotate(notes)
		return notes
	}
	_, err := s.Refresh(ctx, run)
	return explained(err)
}

// down does not remove what takes long to make and serves no request: the machine's
// image and the built binaries. `make clean` removes those.
func down(ctx context.Context, s *session) error {
	run := s.run
	run.Refresh = true
	if _, err := s.Destroy(ctx, run); err != nil {
		return explained(err)
	}
	if err := s.Remove(ctx); err != nil {
		return err
	}
	// Earlier versions stored a copy of the configuration here.
	return os.RemoveAll(filepath.Join(s.state, "pulumi", "stacks", s.Name()))
}

func outputs(ctx context.Context, s *session) error {
	all, err := s.Outputs(ctx)
	if err != nil {
		return fmt.Errorf("reading the outputs: %w", err)
	}
	values := map[string]any{}
	for key, output := range all {
		values[key] = output.Value
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(values)
}

func unlock(_ context.Context, s *session) error {
	removed, err := s.Unlock()
	for _, holder := range removed {
		fmt.Println("removed the lock of", holder)
	}
	if err == nil && len(removed) == 0 {
		fmt.Println("stack", s.Name(), "is not locked")
	}
	return err
}

// explained returns an error that describes the state after an interrupted
// operation.
func explained(err error) error {
	if errors.Is(err, engine.ErrInterrupted) {
		return errors.New("interrupted; the state has everything that was created, and the next up continues")
	}
	return err
}
