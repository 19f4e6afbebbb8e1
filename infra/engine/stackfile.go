package engine

import (
	"errors"
	"fmt"
	"os"

	"gopkg.in/yaml.v3"
)

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
