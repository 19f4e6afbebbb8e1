package engine

import (
	"errors"
	"fmt"
	"os"

	"gopkg.in/yaml.v3"
)

// ConfigValue is one text of a stack's configuration as it stands in its file,
// or "": what must be known before the stack is open. A file that cannot be read
// is for Open to complain of.
func ConfigValue(file, key string) string {
	content, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	var stack struct {
		Config map[string]any `yaml:"config"`
	}
	if err := yaml.Unmarshal(content, &stack); err != nil {
		return ""
	}
	value, _ := stack.Config[key].(string)
	return value
}

// copyStackFile copies a stack's configuration to where Pulumi may write to it,
// and keeps the encryption salt that Pulumi wrote there earlier.
func copyStackFile(from, to string) error {
	content, err := os.ReadFile(from)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no stack of that name: %s is not there", from)
	}
	if err != nil {
		return fmt.Errorf("reading the stack's configuration: %w", err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(content, &config); err != nil {
		return fmt.Errorf("reading %s: %w", from, err)
	}
	if config == nil {
		config = map[string]any{}
	}
	const salt = "encryptionsalt"
	var earlier map[string]any
	if old, err := os.ReadFile(to); err == nil {
		if err := yaml.Unmarshal(old, &earlier); err != nil {
			return fmt.Errorf("reading %s: %w", to, err)
		}
	}
	if _, own := config[salt]; !own && earlier[salt] != nil {
		config[salt] = earlier[salt]
	}
	out, err := yaml.Marshal(config)
	if err != nil {
		return fmt.Errorf("copying the stack's configuration: %w", err)
	}
	if err := os.WriteFile(to, out, 0o600); err != nil {
		return fmt.Errorf("copying the stack's configuration: %w", err)
	}
	return nil
}
