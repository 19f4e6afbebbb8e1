package host

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
)

// Diagnosis explains why a machine does not serve the wanted release. A person
// reads it at the end of a failed run.
type Diagnosis struct {
	Root Root
	// SetUp is a file that exists once the machine's setup has ended. SetupUnit
	// is the unit of the setup.
	SetUp, SetupUnit string
	// Units are the units that must be active.
	Units []string
}

// failures matches the lines of a log that report a failure.
var failures = regexp.MustCompile(`(?m)^(E:|Err:|dpkg: error|WARNING|.*[Ff]ailed ).*$`)

// Write writes the state of cloud-init, the packages, the units, the agent and
// the workers, each in a few lines.
func (d Diagnosis) Write(ctx context.Context, w io.Writer) {
	section := func(title, text string) {
		if text = strings.TrimSpace(text); text != "" {
			fmt.Fprintf(w, "\n%s\n  %s\n", title, strings.ReplaceAll(text, "\n", "\n  "))
		}
	}
	if said := output(ctx, "cloud-init", "status", "--long"); !strings.Contains(said, "status: done") {
		section("cloud-init:", said+"\n"+lastFailures(tail(d.Root.path("/var/log/cloud-init-output.log"), outputBytes)))
	}
	if _, err := os.Stat(d.Root.path(d.SetUp)); err != nil {
		section("the setup has not finished:", lastFailures(journal(ctx, d.SetupUnit, 200)))
	}
	failed := map[string]bool{}
	for line := range strings.Lines(output(ctx, "systemctl", "--failed", "--no-legend", "--plain")) {
		if fields := strings.Fields(line); len(fields) > 0 {
			failed[fields[0]] = true
			section("unit "+fields[0]+" failed:", journal(ctx, fields[0], 5))
		}
	}
	for _, unit := range d.Units {
		state := strings.TrimSpace(output(ctx, "systemctl", "is-active", unit))
		if state != "active" && !failed[unit] {
			section("unit "+unit+" is "+state+":", journal(ctx, unit, 5))
		}
	}
	if why := d.refusal(); why != "" {
		section("the agent refused a release:", why)
	} else {
		section("the agent reports:", journal(ctx, AgentUnit, 5))
	}
	logs, _ := filepath.Glob(d.Root.path("/var/log/escala/worker-*.log"))
	for _, log := range logs {
		section("last lines of "+log+":", clip(tail(log, 5), 300))
	}
}

// AgentUnit is the unit that runs the agent.
const AgentUnit = "escala-agent.service"

// RefusalFile is where the agent stores the refused release.
const RefusalFile = "/var/lib/escala/refusal.json"

func (d Diagnosis) refusal() string {
	content, err := os.ReadFile(d.Root.path(RefusalFile))
	if err != nil {
		return ""
	}
	var r struct{ Reason, Output string }
	if json.Unmarshal(content, &r) != nil {
		return ""
	}
	return clip(r.Reason+"\n"+r.Output, 300)
}

func journal(ctx context.Context, unit string, lines int) string {
	return output(ctx, "journalctl", "--unit", unit, "--lines", strconv.Itoa(lines), "--no-pager", "--output", "cat")
}

// lastFailures returns the last ten lines that report a failure.
func lastFailures(text string) string {
	lines := failures.FindAllString(text, -1)
	return clip(strings.Join(lines[max(0, len(lines)-10):], "\n"), 300)
}

// clip shortens long lines.
func clip(text string, length int) string {
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		lines[i] = strings.ToValidUTF8(line[:min(len(line), length)], "")
	}
	return strings.Join(lines, "\n")
}
