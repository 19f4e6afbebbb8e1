package check

import (
	"context"
	"path"
	"strings"

	"escala/infra/plan"
)

// shellOf returns the shell that a script is for, or "" if the file is not a
// shell script.
func shellOf(f plan.File) string {
	line, ok := strings.CutPrefix(firstLine(f.Raw), "#!")
	if !ok {
		return ""
	}
	words := strings.Fields(line)
	if len(words) > 1 && path.Base(words[0]) == "env" {
		words = words[1:]
	}
	if len(words) == 0 {
		return ""
	}
	switch shell := path.Base(words[0]); shell {
	case "sh", "bash":
		return shell
	default:
		return ""
	}
}

// scripts checks the syntax of each script with its shell. No script is run.
func scripts(ctx context.Context, s *subject) {
	for _, shell := range []string{"sh", "bash"} {
		match := func(f plan.File) bool { return shellOf(f) == shell }
		if !s.anyFile(match) {
			continue
		}
		t, ok := s.tool(shell, "the scripts for "+shell)
		if !ok {
			continue
		}
		s.eachFile(match, func(m plan.Machine, f plan.File) {
			where := m.Name + ": " + f.Path
			file, err := t.write("script", f.Raw)
			if err != nil {
				s.add(plan.Notice, where, "was not checked: "+err.Error(), "")
				return
			}
			if said, ok := t.run(ctx, nil, "-n", file); !ok {
				s.add(plan.Error, where, shell+" cannot read it: "+s.secrets.Mask(said), "a script that "+shell+" -n reads")
			}
		})
		t.close()
	}
}
