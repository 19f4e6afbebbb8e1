// Package host checks what the local target needs on this computer, and
// installs it on Debian.
package host

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// requirement is a program and the Debian package that contains it.
type requirement struct{ program, pkg string }

var requirements = []requirement{
	{"podman", "podman"},
	{"runc", "runc"},
	{"mmdebstrap", "mmdebstrap"},
	// netavark needs it for the machines' network.
	{"iptables", "iptables"},
	{netavark, "netavark"},
}

// netavark is the path at which podman expects netavark, which is not on PATH.
const netavark = "/usr/lib/podman/netavark"

// Missing returns a sentence with instructions for each requirement that this
// computer lacks.
func Missing() []string {
	var missing []string
	if os.Getuid() != 0 {
		missing = append(missing, "a machine with systemd needs root; run this as root, or with sudo")
	}
	if packages := missingPackages(); len(packages) > 0 {
		missing = append(missing, fmt.Sprintf("lacks %s; as root on Debian: apt-get install %s", strings.Join(programs(packages), ", "), strings.Join(packages, " ")))
	}
	return missing
}

func missingPackages() []string {
	var packages []string
	for _, r := range requirements {
		if _, err := exec.LookPath(r.program); err != nil {
			packages = append(packages, r.pkg)
		}
	}
	return packages
}

func programs(packages []string) []string {
	var out []string
	for _, r := range requirements {
		if slices.Contains(packages, r.pkg) {
			out = append(out, r.program)
		}
	}
	return out
}

// Install installs the missing packages with apt-get, if this computer has apt-get
// and the user is root. Otherwise it does nothing, and Missing returns
// instructions.
func Install(ctx context.Context, progress io.Writer) error {
	packages := missingPackages()
	if len(packages) == 0 || os.Getuid() != 0 {
		return nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return nil //nolint:nilerr // not a Debian
	}
	fmt.Fprintf(progress, "installing %s\n", strings.Join(packages, ", "))
	for _, args := range [][]string{
		{"update", "--quiet"},
		append([]string{"install", "--yes", "--quiet", "--no-install-recommends"}, packages...),
	} {
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		if out, err := cmd.CombinedOutput(); err != nil {
			lines := strings.Split(strings.TrimSpace(string(out)), "\n")
			return fmt.Errorf("installing %s with apt-get: %w:\n%s", strings.Join(packages, ", "), err,
				strings.Join(lines[max(0, len(lines)-5):], "\n"))
		}
	}
	return nil
}
