package plancmd

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"escala/infra/plan/manifests"
	"escala/infra/plan/preview"
	"escala/infra/program"
	"escala/infra/workspace"
)

// Manifests returns the command that writes what a cluster stack would apply as
// files for kubectl.
func Manifests(stack *string, targets program.Targets) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "manifests", Short: "Write a cluster stack's objects as files for kubectl apply", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			root, err := workspace.Root()
			if err != nil {
				return err
			}
			set, err := manifests.Render(cmd.Context(), preview.Options{Root: root, Stack: *stack, Targets: targets})
			if err != nil {
				return err
			}
			if out == "" {
				out = filepath.Join("manifests", *stack)
			}
			folder := out
			if !filepath.IsAbs(folder) {
				folder = filepath.Join(root, folder)
			}
			if err := set.Write(folder); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d objects are in %s; %s lists what else there is to do\n", len(set.Objects), out, filepath.Join(out, manifests.Notes))
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "", "folder, relative to the clone (default manifests/<stack>)")
	return c
}
