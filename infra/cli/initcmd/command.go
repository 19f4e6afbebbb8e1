// Package initcmd has the command init: it prepares a repository with a service
// of its own for escala.
package initcmd

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"escala/infra/workspace"
)

// Command returns the command init. version returns the version of this program.
func Command(version func() string) *cobra.Command {
	var r Repository
	c := &cobra.Command{
		Use: "init", Short: "Prepare a repository with your own service for escala", Args: cobra.NoArgs,
		Long: "Prepare the repository in a folder for escala: Pulumi.yaml, stacks, a Makefile and\n" +
			"workflows. What is there already and was edited stays as it is.",
		RunE: func(cmd *cobra.Command, _ []string) error {
			home, err := workspace.FindHome("")
			if err != nil {
				return err
			}
			if r.Folder, err = filepath.Abs(r.Folder); err != nil {
				return fmt.Errorf("finding the repository: %w", err)
			}
			r.Home, r.Version = home, version()
			if !home.Built {
				if r.Version, err = commit(cmd.Context(), home.Folder); err != nil {
					return err
				}
			}
			return run(cmd, r)
		},
	}
	c.Flags().StringVar(&r.Folder, "dir", ".", "the repository's folder, with a go.mod")
	c.Flags().StringVar(&r.Name, "name", "", "the service's name (default: the end of the module's path)")
	c.Flags().StringVar(&r.Package, "package", "", "the program's package, for example ./cmd/api (default: the module's only program)")
	c.Flags().StringVar(&r.Command, "command", "", "the command that starts a program that is not Go's, for example \"python3 app.py\"")
	c.Flags().StringVar(&r.Program, "folder", "", "that program's folder, below dir (default dir itself)")
	c.Flags().StringVar(&r.Archives, "archives", "", "URL of the folder with a release's archives and checksums.txt, for a repository that has no clone of escala")
	return c
}

// commit returns the commit of a clone.
func commit(ctx context.Context, clone string) (string, error) {
	git := exec.CommandContext(ctx, "git", "rev-parse", "HEAD")
	git.Dir = clone
	out, err := git.Output()
	if err != nil {
		return "", fmt.Errorf("asking git for the commit of %s: %w", clone, err)
	}
	return strings.TrimSpace(string(out)), nil
}

func run(cmd *cobra.Command, r Repository) error {
	if workspace.IsClone(r.Folder) {
		return errors.New("this is the clone of escala, which is prepared already: name your own repository with --dir (make init DIR=../my-api)")
	}
	if err := r.complete(cmd.Context()); err != nil {
		return err
	}
	files, err := r.Files()
	if err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	for _, f := range files {
		outcome, err := f.write(r.Folder)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%-10s %s\n", outcome, f.Path)
	}
	if err := r.local(); err != nil {
		return err
	}
	return r.next(out)
}

// local writes the files that do not belong in the repository.
func (r Repository) local() error {
	if r.Home.Built {
		return nil
	}
	folder := filepath.Join(r.Folder, ".escala")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("noting where escala is: %w", err)
	}
	if err := os.WriteFile(filepath.Join(folder, "clone"), []byte(r.Home.Folder+"\n"), 0o600); err != nil {
		return fmt.Errorf("noting where escala is: %w", err)
	}
	return nil
}

// next prints the next steps.
func (r Repository) next(out io.Writer) error {
	text, err := os.ReadFile(filepath.Join(r.Folder, "Makefile"))
	if err != nil {
		return fmt.Errorf("reading the Makefile: %w", err)
	}
	if !includes(text) {
		fmt.Fprintln(out, "\nThe Makefile is yours. Add this line to it:\n  include escala.mk")
	}
	_, err = fmt.Fprintln(out, "\nNext, in that folder:\n  make up                   # a machine on this computer\n  make plan STACK=aws-ec2   # what a stack would be, without an account")
	return err
}
