package initcmd

import (
	"bytes"
	"context"
	"embed"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"escala/infra/build"
	"escala/infra/engine/stackfile"
	"escala/infra/workspace"
	"escala/service"
)

// Repository is a repository with a user's own service.
type Repository struct {
	// Folder is absolute.
	Folder string
	// Name is the service's name. Default: the end of the module's path.
	Name string
	// Package is service.Program.Package. Default: the module's only program.
	Package string
	// Command is the command that starts a program that needs no build: words with
	// spaces between them. Program is the folder of that program, relative to
	// Folder. Default none, for a Go program.
	Command, Program string
	// Runtime is service.RuntimeEscala if the module requires escala's.
	Runtime service.Runtime
	// Home has escala's own files. Version is its version or commit.
	Home    workspace.Home
	Version string
	// Archives is the URL of the folder with a release's archives. Default none.
	Archives string
}

// required matches the line of a go.mod that requires escala's runtime.
var required = regexp.MustCompile(`(?m)^\s*(require\s+)?escala\s+v`)

var moduleLine = regexp.MustCompile(`(?m)^module\s+"?([^\s"]+)"?`)

// complete sets the defaults, and checks the values that the templates take
// unchanged.
func (r *Repository) complete(ctx context.Context) error {
	if err := r.fill(ctx); err != nil {
		return err
	}
	spec := service.NewSpec()
	spec.Name = r.Name
	if err := spec.Validate(); err != nil {
		return fmt.Errorf("--name: %w", err)
	}
	return r.checkArchives()
}

func (r *Repository) fill(ctx context.Context) error {
	if info, err := os.Stat(r.Folder); errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("the folder %s does not exist; make it with the program in it, or name another one: --dir ../my-api (make init: DIR=…)", r.Folder)
	} else if err == nil && !info.IsDir() {
		return fmt.Errorf("%s is not a folder; name the repository's: --dir ../my-api (make init: DIR=…)", r.Folder)
	}
	r.Runtime = service.RuntimeNone
	if r.Command != "" {
		return r.fillFolder()
	}
	text, err := os.ReadFile(filepath.Join(r.Folder, "go.mod"))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s has no go.mod: `go mod init example.com/my-api` there makes one. A program that is not Go's needs the command that starts it: --command \"python3 app.py\" (make init: COMMAND=…)", r.Folder)
	}
	if err != nil {
		return fmt.Errorf("reading the repository's module: %w", err)
	}
	if required.Match(text) {
		r.Runtime = service.RuntimeEscala
	}
	if r.Name == "" {
		name := filepath.Base(r.Folder)
		if found := moduleLine.FindSubmatch(text); found != nil {
			name = moduleName(string(found[1]))
		}
		r.Name = label(name)
	}
	if r.Package != "" {
		return nil
	}
	programs := build.Programs(ctx, r.Folder)
	switch own := "./cmd/" + r.Name; {
	case len(programs) == 1:
		r.Package = programs[0]
	case slices.Contains(programs, own):
		r.Package = own
	case len(programs) == 0:
		return fmt.Errorf("%s has no program yet: a file with `package main` and `func main()`", r.Folder)
	default:
		return fmt.Errorf("%s has several programs; choose one: --package %s (make init: PACKAGE=…)", r.Folder, strings.Join(programs, ", "))
	}
	return nil
}

// fillFolder sets the defaults of a program that is not in Go.
func (r *Repository) fillFolder() error {
	if r.Package != "" {
		return errors.New("--package names a Go program, and --command starts another; give one of them")
	}
	if r.Program == "" {
		r.Program = "."
	}
	if info, err := os.Stat(filepath.Join(r.Folder, r.Program)); err != nil || !info.IsDir() {
		return fmt.Errorf("the program's folder %s does not exist; --folder names it, below --dir (make init: FOLDER=…)", filepath.Join(r.Folder, r.Program))
	}
	if r.Name == "" {
		r.Name = label(filepath.Base(r.Folder))
	}
	return nil
}

var major = regexp.MustCompile(`^v[0-9]+$`)

// moduleName returns the end of a module's path, without its major version.
func moduleName(module string) string {
	if major.MatchString(path.Base(module)) {
		module = path.Dir(module)
	}
	return path.Base(module)
}

var notInLabels = regexp.MustCompile(`[^a-z0-9]+`)

// label returns a service's name that resembles text: see service.Spec.Name.
func label(text string) string {
	name := notInLabels.ReplaceAllString(strings.ToLower(text), "-")
	name = strings.TrimLeft(name, "-0123456789")
	name = strings.TrimRight(name[:min(len(name), 32)], "-")
	if name == "" {
		return "api"
	}
	return name
}

//go:embed templates
var templates embed.FS

// Files returns the repository's files.
func (r Repository) Files() ([]File, error) {
	files := []File{{Path: ".gitignore", Content: []byte("/.escala/\n"), Line: true}}
	for _, f := range []struct{ template, path string }{
		{"Pulumi.yaml", "Pulumi.yaml"},
		{"Makefile", "Makefile"},
		{"escala.mk", "escala.mk"},
		{"escala-plan.yml", ".github/workflows/escala-plan.yml"},
		{"escala-deploy.yml", ".github/workflows/escala-deploy.yml"},
	} {
		content, err := r.render(f.template)
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", f.path, err)
		}
		files = append(files, File{Path: f.path, Content: content})
	}
	stacks, err := r.stacks()
	if err != nil {
		return nil, err
	}
	files = append(files, stacks...)
	if r.Archives != "" {
		sums, err := r.sums()
		if err != nil {
			return nil, err
		}
		files = append(files, File{Path: "escala.sum", Content: sums})
	}
	return files, nil
}

func (r Repository) render(name string) ([]byte, error) {
	t, err := template.New(name).Delims("[[", "]]").ParseFS(templates, "templates/"+name)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	if err := t.Execute(&b, r); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// stacks returns escala's own stacks, with the repository's service.
func (r Repository) stacks() ([]File, error) {
	names, err := stackfile.Stacks(r.Home.Folder)
	if err != nil {
		return nil, fmt.Errorf("reading escala's own stacks: %w", err)
	}
	var files []File
	for _, name := range names {
		content, err := os.ReadFile(stackfile.Path(r.Home.Folder, name))
		if err != nil {
			return nil, fmt.Errorf("reading escala's own stacks: %w", err)
		}
		own, err := r.stack(content)
		if err != nil {
			return nil, fmt.Errorf("writing stack %s: %w", name, err)
		}
		files = append(files, File{Path: "stacks/Pulumi." + name + ".yaml", Content: own})
	}
	return files, nil
}

// commented begins the example of a service in a stack's file.
const commented = "  # escala:service:\n"

// stack returns a stack's file with the repository's service in the place of
// the example's first line. The example's other lines stay as comments.
func (r Repository) stack(content []byte) ([]byte, error) {
	before, after, found := strings.Cut(string(content), commented)
	if !found {
		return nil, fmt.Errorf("it has no line %q", strings.TrimSpace(commented))
	}
	values, err := r.service()
	if err != nil {
		return nil, err
	}
	after = strings.Replace(after, "  #   name: api\n", "", 1)
	// The comments of the keys in before keep their indentation.
	return []byte(before + "  escala:service:\n" + values + after), nil
}
