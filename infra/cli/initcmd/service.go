package initcmd

import (
	"strings"

	"go.yaml.in/yaml/v3"
)

// described is the repository's service in a stack's file.
type described struct {
	Name    string `yaml:"name"`
	Package string `yaml:"package"`
}

// service returns the keys below escala:service, indented.
func (r Repository) service() (string, error) {
	text, err := yaml.Marshal(described{Name: r.Name, Package: r.Package})
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for line := range strings.Lines(string(text)) {
		b.WriteString("    " + line)
	}
	return b.String(), nil
}
