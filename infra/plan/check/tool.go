package check

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"escala/infra/plan"
)

// toolTime bounds what a program may take to look at a file.
const toolTime = 30 * time.Second

// tool runs a real program over what would be on the machine.
type tool struct {
	// dir is a folder that goes when the check is done.
	dir  string
	path string
}

// tool finds a program, or says in a notice that what it would check was not.
func (s *subject) tool(program, what string) (tool, bool) {
	path, err := s.find(program)
	if err != nil {
		s.add(plan.Notice, s.Name, what+" was not checked: "+program+" is not on this computer", "")
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

// write puts a file where the program looks for it.
func (t tool) write(name, content string) (string, error) {
	path := filepath.Join(t.dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", err
	}
	return path, os.WriteFile(path, []byte(content), 0o600)
}

// run returns what the program said, without the folder's name, and whether it
// agreed.
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

// each calls check for the files of all machines that match.
func (s *subject) each(match func(plan.File) bool, check func(plan.Machine, plan.File)) {
	for _, m := range s.Machines {
		for _, f := range m.Files {
			if match(f) {
				check(m, f)
			}
		}
	}
}

// some says whether a machine has such a file.
func (s *subject) some(match func(plan.File) bool) bool {
	found := false
	s.each(match, func(plan.Machine, plan.File) { found = true })
	return found
}

func named(path string) func(plan.File) bool {
	return func(f plan.File) bool { return f.Path == path }
}
