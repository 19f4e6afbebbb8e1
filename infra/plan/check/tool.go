package check

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"escala/infra/plan"
)

// toolTime is the time limit for one run of a program.
const toolTime = 30 * time.Second

// tool is a program that checks a machine's files.
type tool struct {
	// dir is a temporary folder. close removes it.
	dir  string
	path string
}

// installed returns the path of a program on this computer. Debian's accounts
// other than root do not have /usr/sbin in their PATH, where Nginx is.
func installed(program string) (string, error) {
	path, err := exec.LookPath(program)
	if errors.Is(err, exec.ErrNotFound) {
		if root, missing := exec.LookPath(filepath.Join("/usr/sbin", program)); missing == nil {
			return root, nil
		}
	}
	return path, err
}

// tool looks up a program and makes its folder. If that fails, a notice states
// what was not checked.
func (s *subject) tool(program, what string) (tool, bool) {
	path, err := s.find(program)
	if err != nil {
		s.add(plan.Notice, s.Name, what+" was not checked: "+program+" is not installed on this computer", "")
		return tool{}, false
	}
	dir, err := os.MkdirTemp("", "escala-check-")
	if err != nil {
		s.add(plan.Notice, s.Name, what+" was not checked: "+err.Error(), "")
		return tool{}, false
	}
	return tool{dir: dir, path: path}, true
}

func (t tool) close() { os.RemoveAll(t.dir) }

// write writes a file below the tool's folder and returns its path.
func (t tool) write(name, content string) (string, error) {
	path := filepath.Join(t.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, []byte(content), 0o600)
}

// run returns the output of the program, without the folder's path, and whether
// the program succeeded.
func (t tool) run(ctx context.Context, env []string, args ...string) (string, bool) {
	ctx, cancel := context.WithTimeout(ctx, toolTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, t.path, args...)
	cmd.Dir = t.dir
	cmd.Env = append(os.Environ(), env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := cmd.Run()
	said := strings.TrimSpace(strings.ReplaceAll(out.String(), t.dir, ""))
	if err != nil && said == "" {
		said = err.Error()
	}
	return said, err == nil
}

// eachFile calls check for each matching file of each machine.
func (s *subject) eachFile(match func(plan.File) bool, check func(plan.Machine, plan.File)) {
	for _, m := range s.Machines {
		for _, f := range m.Files {
			if match(f) {
				check(m, f)
			}
		}
	}
}

// anyFile reports whether any machine has a matching file.
func (s *subject) anyFile(match func(plan.File) bool) bool {
	found := false
	s.eachFile(match, func(plan.Machine, plan.File) { found = true })
	return found
}

func atPath(path string) func(plan.File) bool {
	return func(f plan.File) bool { return f.Path == path }
}
