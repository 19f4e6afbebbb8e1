package stackconfig

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// pulumiSource is the configuration of the stack that Pulumi is running.
type pulumiSource struct {
	ctx  *pulumi.Context
	keys []string
	file File
}

// FromPulumi reads from a running Pulumi program. keys are all keys that are
// set: a program can ask for a key, but not which there are, and without that
// a misspelt one would go unnoticed. root is the clone's folder.
func FromPulumi(ctx *pulumi.Context, root string, keys []string) Source {
	return pulumiSource{ctx, keys, ReadFile(filepath.Join(root, "stacks", "Pulumi."+ctx.Stack()+".yaml"))}
}

func (s pulumiSource) Keys() []string { return s.keys }

func (s pulumiSource) File() File { return s.file }

func (s pulumiSource) Get(key string) (string, bool) { return s.ctx.GetConfig(key) }

// KeysFromEnvironment are the keys that the Go language host hands over to a
// program that it starts, in PULUMI_CONFIG.
func KeysFromEnvironment() ([]string, error) {
	raw := os.Getenv(pulumi.EnvConfig)
	if raw == "" {
		return nil, nil
	}
	var values map[string]string
	if err := json.Unmarshal([]byte(raw), &values); err != nil {
		return nil, fmt.Errorf("reading the configuration that Pulumi hands over: %w", err)
	}
	return sortedKeys(values), nil
}
