package engine

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

// Pin sets a key of a stack's configuration file to a text. An empty one
// removes the key. It changes that one line: what people have written around it
// stays as it is, which a YAML encoder would not leave alone.
func Pin(file, key, value string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return fmt.Errorf("reading the stack's configuration: %w", err)
	}
	var pinned []string
	head := -1
	for _, line := range strings.SplitAfter(string(content), "\n") {
		if strings.HasPrefix(line, "  "+key+":") {
			continue
		}
		pinned = append(pinned, line)
		if strings.TrimRight(line, " \r\n") == "config:" {
			head = len(pinned)
		}
	}
	if head < 0 {
		return fmt.Errorf("%s has no line \"config:\" to put %s under", file, key)
	}
	if value != "" {
		line := "  " + key + ": " + strconv.Quote(value) + "\n"
		pinned = append(pinned[:head], append([]string{line}, pinned[head:]...)...)
	}
	out := []byte(strings.Join(pinned, ""))
	var parsed struct{ Config map[string]any }
	if err := yaml.NewDecoder(bytes.NewReader(out)).Decode(&parsed); err != nil {
		return fmt.Errorf("setting %s in %s: %w", key, file, err)
	}
	if got, set := parsed.Config[key]; set != (value != "") || (set && got != value) {
		return fmt.Errorf("%s is not set in a line of its own in %s; set it there by hand", key, file)
	}
	if err := os.WriteFile(file, out, 0o644); err != nil {
		return fmt.Errorf("writing the stack's configuration: %w", err)
	}
	return nil
}
