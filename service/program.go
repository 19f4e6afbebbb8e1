package service

import (
	"path"
	"strings"
)

// Program is the service's program: where its source is, or the file that was
// built from it. Paths are relative to the folder of the stack's Pulumi.yaml.
type Program struct {
	// Source is the folder of the Go module with the program. Default ".".
	Source string `config:"source"`
	// Package is the module's package main to build. Default "./service/cmd/api",
	// escala's own service.
	Package string `config:"package"`
	// Binary is a Linux program that was built before, for example by CI.
	// Nothing is built then. "{arch}" stands for the architecture, amd64 or
	// arm64. Default none.
	Binary string `config:"binary"`
}

// ArchPlaceholder is the part of Program.Binary that stands for the
// architecture.
const ArchPlaceholder = "{arch}"

// NewProgram returns the defaults.
func NewProgram() Program { return Program{Source: ".", Package: "./service/cmd/api"} }

// BinaryFor returns the path of Binary for an architecture.
func (p Program) BinaryFor(arch string) string {
	return strings.ReplaceAll(p.Binary, ArchPlaceholder, arch)
}

// check checks what can be known without the files.
func (p Program) check(v *Violations) {
	defaults := NewProgram()
	if p.Binary != "" && (p.Source != defaults.Source || p.Package != defaults.Package) {
		v.Add("binary", "is set together with source or package: a binary is not built; remove one of them")
		return
	}
	if p.Source == "" {
		v.Add("source", "is empty; for example \"../my-api\", a folder with a go.mod")
	}
	// The go command takes a pattern or a path of another module as well.
	if p.Package != "." && !strings.HasPrefix(p.Package, "./") || strings.Contains(p.Package, "...") || path.Clean(p.Package) == ".." || strings.HasPrefix(path.Clean(p.Package), "../") {
		v.Add("package", "%q is not a folder below source; for example \"./cmd/api\"", p.Package)
	}
}
