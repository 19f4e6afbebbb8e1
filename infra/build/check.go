package build

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"escala/service"
)

// Place is where a program is to run.
type Place struct {
	// Platforms are the platforms of the machines or nodes. At least one.
	Platforms []Platform
	// Libraries reports whether Debian's C libraries are there. A container image
	// of escala's has none.
	Libraries bool
}

// Check reports why the source could not be built, or why its binary could not run
// at the place. The paths are those of the description. It builds nothing.
func (s Source) Check(ctx context.Context, place Place) service.Violations {
	v := s.checkFiles(place)
	if len(v) > 0 || s.Program.Folder != "" {
		return v
	}
	if s.Program.Binary != "" {
		for _, platform := range place.Platforms {
			if bad := s.checkBinary(platform, place); bad != "" {
				v.Add("binary", "%s", bad)
				return v
			}
		}
		return v
	}
	if bad := s.checkModule(); bad != "" {
		v.Add("source", "%q %s", s.Program.Source, bad)
		return v
	}
	if bad := s.checkPackage(ctx, place.Platforms[0]); bad != "" {
		v.Add("package", "%q %s", s.Program.Package, bad)
	}
	return v
}

// checkFiles checks the release's files, and the command that starts it.
func (s Source) checkFiles(place Place) service.Violations {
	var v service.Violations
	p := s.Program
	if !place.Libraries && (p.Folder != "" || len(p.Files) > 0 || !p.OwnProgram()) {
		v.Add(firstOf(p), "does not fit into an image of escala's, which has one file, the program, and nothing to start another with: build an image, and name it in <cluster>.image")
		return v
	}
	folder := s.filesFolder()
	if info, err := os.Stat(folder); p.Folder != "" && (err != nil || !info.IsDir()) {
		v.Add("folder", "%q is no folder; it is looked for at %s", p.Folder, folder)
		return v
	}
	for _, name := range p.Files {
		if _, err := os.Lstat(filepath.Join(folder, name)); err != nil {
			v.Add("files", "%q is not there; it is looked for at %s", name, filepath.Join(folder, name))
		}
	}
	if len(v) > 0 {
		return v
	}
	if len(p.Command) > 0 && p.OwnProgram() {
		s.checkCommand(&v, "command", p.Command[0])
	}
	if !p.OwnProgram() {
		s.checkScript(&v, "command", p.Command)
	}
	for _, one := range s.Commands {
		switch own := s.isOwn(one.Arguments[0]); {
		case !place.Libraries && !own:
			v.Add(one.Key, "%q is not the service's own program (%s), which is all that an image of escala's has: build an image, and name it in <cluster>.image", one.Arguments[0], s.Name)
		case strings.Contains(one.Arguments[0], "/"):
			s.checkCommand(&v, one.Key, one.Arguments[0])
		default:
			s.checkScript(&v, one.Key, one.Arguments)
		}
	}
	return v
}

// isOwn reports whether a command's program is the one that is built from the
// source.
func (s Source) isOwn(program string) bool {
	return s.Program.OwnBinary() && filepath.Clean(program) == s.Name
}

// checkCommand checks that a command starts a program of the release.
func (s Source) checkCommand(v *service.Violations, key, program string) {
	if s.isOwn(program) {
		return
	}
	f, found, err := s.file(program)
	switch {
	case err != nil:
		v.Add("files", "%v", err)
	case !found:
		v.Add(key, "%q is no file of the release", program)
	case f.info.Mode()&0o100 == 0:
		v.Add(key, "%q cannot be executed: chmod +x it", program)
	}
}

// scripts are the extensions of programs that an interpreter reads from a file.
var scripts = []string{".cjs", ".js", ".mjs", ".php", ".pl", ".py", ".rb", ".sh"}

// checkScript checks that the script that an interpreter is to run ("python3 app.py")
// is a file of the release. Arguments after an option are the interpreter's business.
func (s Source) checkScript(v *service.Violations, key string, command []string) {
	if len(command) < 2 || filepath.IsAbs(command[1]) || strings.HasPrefix(command[1], "-") || !slices.Contains(scripts, filepath.Ext(command[1])) {
		return
	}
	switch _, found, err := s.file(command[1]); {
	case err != nil:
		v.Add("files", "%v", err)
	case !found && s.Program.Folder == "":
		v.Add(key, "%q is no file of the release; service.files names those beside the program", command[1])
	case !found:
		v.Add(key, "%q is no file of the release; it is looked for at %s", command[1], filepath.Join(s.filesFolder(), command[1]))
	}
}

// file returns the file of the release at a path, if there is one.
func (s Source) file(name string) (f packed, found bool, err error) {
	p := s.Program
	if p.OwnBinary() && len(p.Files) == 0 {
		return f, false, nil
	}
	files, err := s.collect(s.filesFolder(), p.Files)
	if err != nil {
		return f, false, err
	}
	i := slices.IndexFunc(files, func(f packed) bool { return f.name == filepath.ToSlash(filepath.Clean(name)) })
	if i < 0 {
		return f, false, nil
	}
	return files[i], true, nil
}

// firstOf returns the key that makes a release more than one file.
func firstOf(p service.Program) string {
	switch {
	case p.Folder != "":
		return "folder"
	case len(p.Files) > 0:
		return "files"
	default:
		return "command"
	}
}

// goMod is the file that makes a folder a Go module.
const goMod = "go.mod"

// checkModule returns the problem of the source's folder, or "".
func (s Source) checkModule() string {
	folder := s.path(s.Program.Source)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is not there; it is looked for at " + folder
	case err != nil:
		return fmt.Sprintf("cannot be read: %v", err)
	case !info.IsDir():
		return "is a file; it is a folder with a go.mod. A program that was built before is service.binary"
	}
	if _, err := os.Stat(filepath.Join(folder, goMod)); err == nil {
		return ""
	}
	for parent := filepath.Dir(folder); parent != filepath.Dir(parent); parent = filepath.Dir(parent) {
		if _, err := os.Stat(filepath.Join(parent, goMod)); err != nil {
			continue
		}
		source, err := filepath.Rel(s.Root, parent)
		if err != nil {
			source = parent
		}
		below, err := filepath.Rel(parent, filepath.Join(folder, s.Program.Package))
		if err != nil {
			break
		}
		return fmt.Sprintf("has no go.mod, but a folder above has: service.source: %s, service.package: ./%s", filepath.ToSlash(source), filepath.ToSlash(below))
	}
	return "has no go.mod: `go mod init` makes one"
}

// listed is a package in the form of `go list -json`.
type listed struct {
	Name  string
	Dir   string
	Error *struct{ Err string }
}

// checkPackage returns the problem of the source's package, or "".
func (s Source) checkPackage(ctx context.Context, platform Platform) string {
	m := s.module()
	out, err := m.command(ctx, platform, "list", "-e", "-find", "-json=Name,Dir,Error", s.Program.Package).Output()
	if err != nil {
		return "cannot be looked at: " + outputOf(err)
	}
	var p listed
	if err := json.Unmarshal(out, &p); err != nil {
		return fmt.Sprintf("cannot be looked at: reading what go list says: %v", err)
	}
	switch {
	case p.Name == "main":
		return ""
	case p.Name != "":
		return fmt.Sprintf("is the package %s and not a program (package main)%s", p.Name, m.programs(ctx, platform))
	case p.Error != nil:
		return "is no package: " + strings.TrimSpace(p.Error.Err) + m.programs(ctx, platform)
	default:
		return "is no package" + m.programs(ctx, platform)
	}
}

// programs returns a hint that lists the programs of the module.
func (m goModule) programs(ctx context.Context, platform Platform) string {
	names := m.mains(ctx, platform)
	if len(names) == 0 {
		return "; this module has no program: a file with `package main` and `func main()`"
	}
	return "; this module's programs: " + strings.Join(names, ", ")
}

// mains returns the folders of the module's programs, in the form of
// service.Program.Package.
func (m goModule) mains(ctx context.Context, platform Platform) []string {
	out, err := m.command(ctx, platform, "list", "-e", "-find", "-f", `{{if eq .Name "main"}}{{.Dir}}{{end}}`, "./...").Output()
	if err != nil {
		return nil
	}
	root, err := filepath.EvalSymlinks(m.root)
	if err != nil {
		root = m.root
	}
	var names []string
	for line := range strings.Lines(string(out)) {
		dir := strings.TrimSpace(line)
		if dir == "" {
			continue
		}
		if rel, err := filepath.Rel(root, dir); err == nil && rel != "." {
			names = append(names, "./"+filepath.ToSlash(rel))
		} else {
			names = append(names, ".")
		}
	}
	return names
}

// Programs returns the programs of the Go module in a folder, as values of
// service.Program.Package. They are those for Linux.
func Programs(ctx context.Context, folder string) []string {
	return goModule{root: folder, usersModule: true}.mains(ctx, Platform{OS: "linux", Arch: "amd64"})
}

// outputOf returns the output of a program that failed.
func outputOf(err error) string {
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		if text := strings.TrimSpace(string(exit.Stderr)); text != "" {
			return text
		}
	}
	return err.Error()
}
