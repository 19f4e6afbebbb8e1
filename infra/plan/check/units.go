package check

import (
	"context"
	"path"
	"regexp"
	"strings"

	"escala/infra/plan"
)

const unitFolder = "/etc/systemd/system/"

// parseErrors matches systemd's messages about errors in the file itself. Missing
// programs and missing units do not count, since this computer is not the
// machine.
var parseErrors = regexp.MustCompile(`(?i)unknown (section|key|lvalue)|assignment outside|invalid|failed to parse|missing '='|not absolute|neither a valid executable|bad unit file|lacks.*ExecStart|ignoring`)

func isUnit(f plan.File) bool {
	return strings.HasPrefix(f.Path, unitFolder) && (path.Ext(f.Path) == ".service" || path.Ext(f.Path) == ".timer" || path.Ext(f.Path) == ".socket" ||
		strings.Contains(f.Path, ".service.d/"))
}

// units checks the systemd units with systemd-analyze verify.
func units(ctx context.Context, s *subject) {
	if !s.anyFile(isUnit) {
		return
	}
	t, ok := s.tool("systemd-analyze", "the systemd units")
	if !ok {
		return
	}
	defer t.close()
	for i, m := range s.Machines {
		folder := "units-" + string(rune('a'+i))
		own := map[string]bool{}
		for _, f := range m.Files {
			if !isUnit(f) {
				continue
			}
			name := strings.TrimPrefix(f.Path, unitFolder)
			unit, _, dropIn := strings.Cut(name, ".d/")
			if _, err := t.write(path.Join(folder, name), f.Raw); err != nil {
				s.add(plan.Notice, m.Name+": "+f.Path, "was not checked: "+err.Error(), "")
				continue
			}
			own[unit] = own[unit] || !dropIn
		}
		var args []string
		for unit, whole := range own {
			if !whole {
				// A drop-in for a unit of a package needs that unit, so a minimal one is
				// written.
				if _, err := t.write(path.Join(folder, unit), "[Service]\nExecStart=/bin/true\n"); err != nil {
					continue
				}
			}
			args = append(args, path.Join(t.dir, folder, unit))
		}
		output, _ := t.run(ctx, []string{"SYSTEMD_UNIT_PATH=" + path.Join(t.dir, folder) + ":", "SYSTEMD_LOG_LEVEL=notice"},
			append([]string{"verify", "--man=no", "--recursive-errors=no"}, args...)...)
		wrong := false
		for _, line := range strings.Split(output, "\n") {
			if parseErrors.MatchString(line) && strings.Contains(line, folder) {
				wrong = true
				s.add(plan.Error, m.Name+": systemd", "systemd-analyze verify reports: "+strings.TrimPrefix(strings.TrimSpace(line), "/"+folder+"/"), "a unit that systemd-analyze verify reads")
			}
		}
		if !wrong && len(args) > 0 {
			s.add(plan.Notice, m.Name+": systemd", "systemd-analyze reads every unit", "")
		}
	}
}
