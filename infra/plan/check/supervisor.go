package check

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"escala/infra/plan"
)

const supervisordConf = "/etc/supervisor/supervisord.conf"

//go:embed supervisor.py
var readSupervisor string

var (
	// supervisorUser matches the user of the configuration, which may not exist on
	// this computer.
	supervisorUser = regexp.MustCompile(`(?m)^user\s*=.*$`)
	// supervisorFile matches the keys that name a file or a folder; the folder
	// must exist.
	supervisorFile = regexp.MustCompile(`(?m)^(file|logfile|pidfile|childlogdir|stdout_logfile|stderr_logfile)\s*=\s*(/\S+)$`)
)

// supervisor checks the configuration with supervisord's own parser.
func supervisor(ctx context.Context, s *subject) {
	if !s.anyFile(atPath(supervisordConf)) {
		return
	}
	t, ok := s.tool("supervisord", "supervisord.conf")
	if !ok {
		return
	}
	defer t.close()
	// The first line of supervisord names the Python that has the module
	// supervisor.
	program, err := os.ReadFile(t.path)
	python, found := strings.CutPrefix(firstLine(string(program)), "#!")
	if err != nil || !found {
		s.add(plan.Notice, s.Name, "supervisord.conf was not checked: "+t.path+" names no Python in its first line", "")
		return
	}
	interpreter := strings.Fields(python)
	t.path = interpreter[0]
	s.eachFile(atPath(supervisordConf), func(m plan.Machine, f plan.File) {
		where := m.Name + ": " + f.Path
		conf := supervisorUser.ReplaceAllString(f.Raw, "")
		conf = supervisorFile.ReplaceAllStringFunc(conf, func(line string) string {
			parts := supervisorFile.FindStringSubmatch(line)
			path := filepath.Join(t.dir, parts[2])
			folder := filepath.Dir(path)
			if parts[1] == "childlogdir" {
				folder = path
			}
			// If this fails, supervisord reports the missing folder.
			_ = os.MkdirAll(folder, 0o700)
			return parts[1] + "=" + path
		})
		script, err := t.write("read.py", readSupervisor)
		if err != nil {
			s.add(plan.Notice, where, "was not checked: "+err.Error(), "")
			return
		}
		file, err := t.write("supervisord.conf", conf)
		if err != nil {
			s.add(plan.Notice, where, "was not checked: "+err.Error(), "")
			return
		}
		said, ok := t.run(ctx, []string{"PYTHONWARNINGS=ignore"}, append(interpreter[1:], script, file)...)
		switch {
		case !ok:
			s.add(plan.Error, where, "supervisord refuses it: "+s.secrets.Mask(firstLine(said)), "a configuration that supervisord starts with")
		default:
			s.add(plan.Notice, where, "supervisord accepts it", "")
		}
	})
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}
