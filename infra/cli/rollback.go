package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"escala/infra/engine"
	"escala/infra/program"
	"escala/infra/workspace"
)

// releaseKey is the configuration key that pins a release.
const releaseKey = project + ":release"

// rollbackCommand pins the release before the current one, or the one that is
// named, and updates the stack to it. The pin stays in the stack's file, where a
// review sees it, until unpin takes it away.
func rollbackCommand(stack *string, targets program.Targets) *cobra.Command {
	var to string
	c := &cobra.Command{
		Use: "rollback", Short: "Goes back to the release before, and stays there until unpin", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			s, err := open(cmd.Context(), *stack, targets)
			if err != nil {
				return err
			}
			defer s.close()
			all, err := s.stack.Outputs(cmd.Context())
			if err != nil {
				return fmt.Errorf("reading the outputs: %w", err)
			}
			if to == "" {
				if to, err = before(all["releases"].Value); err != nil {
					return err
				}
			}
			return pin(cmd.Context(), *stack, to, targets)
		},
	}
	c.Flags().StringVar(&to, "to", "", "the release, by its id or the beginning of it (default the one before)")
	return c
}

// unpinCommand goes back to what the source makes.
func unpinCommand(stack *string, targets program.Targets) *cobra.Command {
	return &cobra.Command{
		Use: "unpin", Short: "Goes back to the release that the source makes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return pin(cmd.Context(), *stack, "", targets) },
	}
}

// before is the release before the current one among a stack's output
// "releases".
func before(releases any) (string, error) {
	ids, _ := releases.([]any)
	if len(ids) < 2 {
		return "", errors.New("there is no release to go back to: the stack has had one at most")
	}
	id, ok := ids[1].(string)
	if !ok {
		return "", fmt.Errorf("the stack's output releases has %v where a release belongs", ids[1])
	}
	return id, nil
}

// pin writes the release into the stack's file and updates the stack. It opens
// the stack anew, for its configuration is read when it is opened.
func pin(ctx context.Context, stack, release string, targets program.Targets) error {
	root, err := workspace.Root()
	if err != nil {
		return err
	}
	file := filepath.Join(root, "stacks", "Pulumi."+stack+".yaml")
	if err := engine.Pin(file, releaseKey, release); err != nil {
		return err
	}
	if release == "" {
		fmt.Fprintf(os.Stderr, "%s pins no release any more\n", file)
	} else {
		fmt.Fprintf(os.Stderr, "%s pins release %.12s until it is unpinned\n", file, release)
	}
	s, err := open(ctx, stack, targets)
	if err != nil {
		return err
	}
	defer s.close()
	return up(ctx, s)
}
