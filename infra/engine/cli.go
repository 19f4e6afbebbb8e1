package engine

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/blang/semver"
)

// FindCLI returns the path of a Pulumi CLI that will do: the one on PATH if it
// is new enough, else the one that `make` builds into bin/ of the clone.
func FindCLI(ctx context.Context, root string) (string, error) {
	if path, err := exec.LookPath("pulumi"); err == nil {
		version, err := cliVersion(ctx, path)
		if err == nil && version.GTE(MinimumCLI) && filepath.Base(filepath.Dir(path)) == "bin" {
			return path, nil
		}
	}
	built := filepath.Join(root, "bin", "pulumi")
	if _, err := os.Stat(built); err != nil {
		return "", errors.New("there is no Pulumi CLI of version " + MinimumCLI.String() + " or newer; make bin/pulumi builds one")
	}
	return built, nil
}

func cliVersion(ctx context.Context, path string) (semver.Version, error) {
	cmd := exec.CommandContext(ctx, path, "version")
	cmd.Env = append(os.Environ(), "PULUMI_SKIP_UPDATE_CHECK=true")
	out, err := cmd.Output()
	if err != nil {
		return semver.Version{}, fmt.Errorf("asking %s for its version: %w", path, err)
	}
	return semver.ParseTolerant(strings.TrimSpace(string(out)))
}
