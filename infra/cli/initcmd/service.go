package initcmd

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"escala/service"
)

// described is the description of the repository's service in a stack's file.
type described struct {
	Name    string          `yaml:"name"`
	Runtime service.Runtime `yaml:"runtime"`
	Package string          `yaml:"package,omitempty"`
	Folder  string          `yaml:"folder,omitempty"`
	Command []string        `yaml:"command,omitempty,flow"`
}

// service returns the keys below escala:service, indented.
func (r Repository) service() (string, error) {
	text, err := yaml.Marshal(described{Name: r.Name, Runtime: r.Runtime, Package: r.Package, Folder: r.Program, Command: strings.Fields(r.Command)})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		b.WriteString("    " + line)
	}
	return b.String(), nil
}
