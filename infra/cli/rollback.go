package cli

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"escala/infra/engine/stackfile"
	"escala/infra/workspace"
)

// releaseKey is the configuration key that pins a release.
const releaseKey = workspace.Namespace + ":release"

// rollbackCommand pins the release before the current one, or a given one, and
// updates the stack to it. The pin stays in the stack's file, where a review sees
// it, until unpin removes it.
func rollbackCommand(o *opener) *cobra.Command {
	var to string
	c := &cobra.Command{
		Use: "rollback", Short: "Go back to the release before, until unpin", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if to == "" {
				s, err := o.open(cmd.Context())
				if err != nil {
					return err
				}
				all, err := s.Outputs(cmd.Context())
				if err != nil {
					return fmt.Errorf("reading the outputs: %w", err)
				}
				if to, err = before(all["releases"].Value); err != nil {
					return err
				}
			}
			return pin(cmd.Context(), o, to)
		},
	}
	c.Flags().StringVar(&to, "to", "", "release: its id, or the beginning of it (default the one before)")
	return c
}

// unpinCommand goes back to the release that is built from the source.
func unpinCommand(o *opener) *cobra.Command {
	return &cobra.Command{
		Use: "unpin", Short: "Go back to the release that is built from the source", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return pin(cmd.Context(), o, "") },
	}
}

// before is the release before the current one, from a stack's output "releases".
func before(releases any) (string, error) {
	ids, _ := releases.([]any)
	if len(ids) < 2 {
		return "", errors.New("the stack has no earlier release to go back to")
	}
	id, ok := ids[1].(string)
	if !ok {
		return "", fmt.Errorf("the stack's output \"releases\" has %v instead of a release id", ids[1])
	}
	return id, nil
}

// pin writes the release into the stack's file, or removes it, and updates the
// stack.
func pin(ctx context.Context, o *opener, release string) error {
	root, err := workspace.Root()
	if err != nil {
		return err
	}
	file := stackfile.Path(root, o.stack)
	if err := stackfile.Set(file, releaseKey, release); err != nil {
		return err
	}
	if release == "" {
		fmt.Fprintf(os.Stderr, "%s pins no release now\n", file)
	} else {
		fmt.Fprintf(os.Stderr, "%s pins release %.12s, until make unpin\n", file, release)
	}
	s, err := o.open(ctx)
	if err != nil {
		return err
	}
	return up(ctx, s)
}
