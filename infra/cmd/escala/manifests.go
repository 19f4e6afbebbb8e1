package main

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"escala/infra/engine"
	"escala/infra/plan/manifests"
	"escala/infra/plan/preview"
	"escala/infra/workspace"
)

// manifestsCommand writes what a cluster stack would apply as files for kubectl.
func manifestsCommand(stack *string) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "manifests", Short: "Writes a cluster stack's objects as files that kubectl apply takes", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			root, err := workspace.Root()
			if err != nil {
				return err
			}
			cli, err := engine.FindCLI(cmd.Context(), root)
			if err != nil {
				return err
			}
			set, err := manifests.Render(cmd.Context(), preview.Options{Root: root, Pulumi: cli, Stack: *stack})
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
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%d objects in %s; %s says what else there is to do\n", len(set.Objects), out, filepath.Join(out, manifests.Notes))
			return err
		},
	}
	c.Flags().StringVar(&out, "out", "", "the folder, relative to the clone (default manifests/<stack>)")
	return c
}
