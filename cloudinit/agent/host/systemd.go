package host

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// systemctlTimeout is the time limit of a call of systemctl. None of them waits
// for a unit.
const systemctlTimeout = 20 * time.Second

// systemctl runs systemctl. The error contains its output.
func systemctl(ctx context.Context, args ...string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, systemctlTimeout)
	defer cancel()
	var said strings.Builder
	cmd := exec.CommandContext(ctx, "systemctl", args...)
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("systemctl %s: %w: %s", args[0], err, strings.TrimSpace(said.String()))
	}
	return string(out), nil
}

// showUnits returns properties of units, in the order of the units.
func showUnits(ctx context.Context, units []string, properties ...string) ([]map[string]string, error) {
	out, err := systemctl(ctx, append([]string{"show", "--property=" + strings.Join(properties, ",")}, units...)...)
	if err != nil {
		return nil, err
	}
	blocks := strings.Split(strings.TrimSpace(out), "\n\n")
	if len(blocks) != len(units) {
		return nil, fmt.Errorf("systemctl show: it answers for %d units, not %d", len(blocks), len(units))
	}
	all := make([]map[string]string, len(units))
	for i, block := range blocks {
		all[i] = map[string]string{}
		for line := range strings.Lines(block) {
			name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
			all[i][name] = value
		}
	}
	return all, nil
}
