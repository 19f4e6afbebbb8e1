package service

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Runtime is the part of a program that keeps requests safe during its
// replacement.
type Runtime string

const (
	// RuntimeEscala is a program that is built with escala's runtime. It shares
	// a socket with the other workers, drains and reports its release itself.
	RuntimeEscala Runtime = "escala"
	// RuntimeNone is any HTTP program. It listens on $PORT of $HOST, answers
	// Spec.HealthPath and ends on SIGTERM. The machine's proxy does the rest.
	RuntimeNone Runtime = "none"
)

// Program is the service's program: its source, or its files. Paths are relative
// to the folder of the stack's Pulumi.yaml.
type Program struct {
	// Runtime is RuntimeEscala by default.
	Runtime Runtime `config:"runtime"`
	// Source is the folder of the Go module with the program. Default ".".
	Source string `config:"source"`
	// Package is the module's package main to build. Default "./service/cmd/api",
	// escala's own service.
	Package string `config:"package"`
	// Binary is the path of a Linux program that is already built, for example by
	// CI. escala then builds nothing. "{arch}" stands for the architecture, amd64
	// or arm64. Default none.
	Binary string `config:"binary"`
	// Folder is the folder of a program that needs no build, such as one in
	// Python. A release has all of its files. Command starts the program. Default
	// none.
	Folder string `config:"folder"`
	// Files are files and folders that a release has besides the program. They
	// are relative to Source, or to the project if Binary is set. If Folder is
	// set, a release has only these parts of it. Default none; with Folder all.
	Files []string `config:"files"`
	// Command starts the program, in the folder of the release. Default: the
	// program itself, with "serve" for RuntimeEscala.
	Command []string `config:"command"`
	// Packages are Debian packages that the program needs on a machine.
	// Default none.
	Packages []string `config:"packages"`
}

// ArchPlaceholder is the part of Program.Binary that stands for the
// architecture.
const ArchPlaceholder = "{arch}"

// NewProgram returns the defaults.
func NewProgram() Program {
	return Program{Runtime: RuntimeEscala, Source: ".", Package: "./service/cmd/api"}
}

// BinaryFor returns the path of Binary for an architecture.
func (p Program) BinaryFor(arch string) string {
	return strings.ReplaceAll(p.Binary, ArchPlaceholder, arch)
}

// FillDefaults sets the values that are empty and whose default depends on the
// runtime.
func (s *Spec) FillDefaults() {
	defaults := NewSpec()
	if s.Workers.Mode == "" {
		s.Workers.Mode = defaults.Workers.Mode
		if s.Runtime == RuntimeNone {
			s.Workers.Mode = WorkersPorts
		}
	}
	if s.ReadyPath == "" {
		s.ReadyPath = defaults.ReadyPath
		if s.Runtime == RuntimeNone {
			s.ReadyPath = s.HealthPath
		}
	}
}

// StartCommand returns the command that starts the program, in the folder of its
// release. name is the file name of a program that was built.
func (p Program) StartCommand(name string) []string {
	switch {
	case len(p.Command) > 0:
		return p.Command
	case p.Runtime == RuntimeNone:
		return []string{"./" + name}
	default:
		return []string{"./" + name, "serve"}
	}
}

// debianPrograms are programs that every Debian 12 machine has and that a start
// command is likely to use. cloud-init brings Python.
var debianPrograms = []string{"bash", "env", "perl", "python3", "sh"}

var (
	// A hyphen at the end would make apt-get remove the package.
	debianPackage = regexp.MustCompile(`^[a-z0-9][a-z0-9+.-]*[a-z0-9+.]$`)
	programName   = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9+._-]*$`)
)

// OwnProgram reports whether the command starts a file of the release, and not a
// program of the machine.
func (p Program) OwnProgram() bool {
	return len(p.Command) == 0 || strings.Contains(p.Command[0], "/")
}

// check checks the settings that do not depend on the files.
func (p Program) check(v *Violations) {
	if p.Runtime != RuntimeEscala && p.Runtime != RuntimeNone {
		v.Add("runtime", "%q is neither %q nor %q", p.Runtime, RuntimeEscala, RuntimeNone)
	}
	p.checkOrigin(v)
	for _, name := range p.Files {
		if !local(name) {
			v.Add("files", "%q is not a file or folder below the program's; for example \"templates\"", name)
		}
	}
	for _, name := range p.Packages {
		if !debianPackage.MatchString(name) {
			v.Add("packages", "%q is not the name of a Debian package; for example \"nodejs\"", name)
		}
	}
	p.checkCommand(v)
}

// checkOrigin checks that the program has only one origin: source, binary or
// folder.
func (p Program) checkOrigin(v *Violations) {
	defaults := NewProgram()
	built := p.Source != defaults.Source || p.Package != defaults.Package
	switch {
	case p.Binary != "" && (built || p.Folder != ""):
		v.Add("binary", "is set together with source, package or folder: a binary is not built; remove the others")
		return
	case p.Folder != "" && built:
		v.Add("folder", "is set together with source or package: a folder is not built; remove the others")
		return
	case p.Folder != "" && len(p.Command) == 0:
		v.Add("command", "is not set: a folder needs the command that starts it; for example [python3, app.py]")
	}
	if p.Source == "" {
		v.Add("source", "is empty; for example \"../my-api\", a folder with a go.mod")
	}
	// The go command would also accept a pattern or the path of another module.
	if p.Package != "." && !strings.HasPrefix(p.Package, "./") || strings.Contains(p.Package, "...") || !local(p.Package) && path.Clean(p.Package) != "." {
		v.Add("package", "%q is not a folder below source; for example \"./cmd/api\"", p.Package)
	}
}

func (p Program) checkCommand(v *Violations) {
	if len(p.Command) == 0 {
		return
	}
	for _, arg := range p.Command {
		if strings.ContainsRune(arg, 0) {
			v.Add("command", "%q has a NUL, which no argument can have", arg)
		}
	}
	switch name := p.Command[0]; {
	case strings.Contains(name, "/"):
		if !local(name) {
			v.Add("command", "%q is not a file of the release; for example \"./server\"", name)
		}
	case !programName.MatchString(name):
		v.Add("command", "%q is not the name of a program", name)
	case !slices.Contains(debianPrograms, name) && len(p.Packages) == 0:
		v.Add("command", "%q is not on a Debian 12 machine, which has %s: name the package that has it in service.packages, or start a file of the release (\"./%s\")", name, strings.Join(debianPrograms, ", "), name)
	}
}

// local reports whether a path stays below its folder, and is not the folder.
func local(name string) bool {
	clean := path.Clean(name)
	return name != "" && clean != "." && !path.IsAbs(clean) && clean != ".." && !strings.HasPrefix(clean, "../")
}

// checkRuntime reports settings that need escala's runtime if the program has
// none.
func (s Spec) checkRuntime(v *Violations) {
	if s.Runtime != RuntimeNone {
		return
	}
	if s.Workers.Mode != WorkersPorts {
		v.Add("workers.mode", "is %q, which needs escala's runtime: with service.runtime none each worker has a port of its own; set it to %q or remove it", s.Workers.Mode, WorkersPorts)
	}
	if s.Workers.MaxFails != 0 || s.Workers.FailTimeout != 0 {
		v.Add("workers.maxFails", "is set, but with service.runtime none the machine itself knows which workers serve; remove maxFails and failTimeout")
	}
	if s.Metrics.Named() {
		v.Add("metrics", "names scrapers, but with service.runtime none only the program knows which of its paths show its metrics, and they are on the port that the public reaches; let it send them to a collector (OTEL_EXPORTER_OTLP_ENDPOINT in service.env), or answer only those whom it knows")
	}
	if s.WebSocket.Rooms {
		v.Add("webSocket.rooms", "is on, but rooms are a part of escala's runtime, and service.runtime is none")
	}
}

// WorkerPorts returns the ports of the workers in WorkersPorts mode. Without
// escala's runtime each worker has two, so that a new process can start beside
// the old one.
func (s Spec) WorkerPorts() []int {
	n := s.Workers.Count
	if s.Runtime == RuntimeNone {
		n *= 2
	}
	ports := make([]int, 0, n)
	for i := range n {
		ports = append(ports, s.Workers.PortsBase+i)
	}
	return ports
}
