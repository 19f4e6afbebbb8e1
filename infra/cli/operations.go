package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/auto/optdestroy"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optpreview"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optrefresh"
	"github.com/pulumi/pulumi/sdk/v3/go/auto/optup"
)

// errFailed stands in for an error of the engine, whose display has told all
// of it already.
var errFailed = errors.New("this failed; the reason stands above")

// up refreshes first: a machine on this computer may be gone since the last
// time, with a reboot for instance.
func up(ctx context.Context, s *session) error {
	result, err := s.stack.Up(ctx, optup.ProgressStreams(os.Stdout), optup.ErrorProgressStreams(os.Stderr), optup.Color(color()), optup.Refresh(), optup.SuppressOutputs())
	if err != nil {
		return failed(ctx)
	}
	printOutputs(result.Outputs)
	return nil
}

func preview(ctx context.Context, s *session) error {
	if _, err := s.stack.Preview(ctx, optpreview.ProgressStreams(os.Stdout), optpreview.ErrorProgressStreams(os.Stderr), optpreview.Color(color())); err != nil {
		return failed(ctx)
	}
	return nil
}

func refresh(ctx context.Context, s *session) error {
	if _, err := s.stack.Refresh(ctx, optrefresh.ProgressStreams(os.Stdout), optrefresh.ErrorProgressStreams(os.Stderr), optrefresh.Color(color())); err != nil {
		return failed(ctx)
	}
	return nil
}

// down keeps what took long to make and serves nobody: the machine's image and
// the built binaries. `make clean` removes those.
func down(ctx context.Context, s *session) error {
	if _, err := s.stack.Destroy(ctx, optdestroy.ProgressStreams(os.Stdout), optdestroy.ErrorProgressStreams(os.Stderr), optdestroy.Color(color()), optdestroy.Refresh(), optdestroy.Remove()); err != nil {
		return failed(ctx)
	}
	return os.RemoveAll(filepath.Join(s.state, "pulumi", "stacks", s.stack.Name()))
}

func outputs(ctx context.Context, s *session) error {
	all, err := s.stack.Outputs(ctx)
	if err != nil {
		return fmt.Errorf("reading the outputs: %w", err)
	}
	values := map[string]any{}
	for key, o := range all {
		values[key] = o.Value
	}
	enc := json.NewEncoder(os.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(values)
}

func failed(ctx context.Context) error {
	if ctx.Err() != nil {
		return errors.New("interrupted; what was being made is in the state, and the next up goes on from there")
	}
	return errFailed
}
