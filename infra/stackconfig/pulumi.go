package stackconfig

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// pulumiSource provides the configuration of the stack that Pulumi runs.
type pulumiSource struct {
	ctx  *pulumi.Context
	keys []string
	file File
}

// FromPulumi returns the source for a running Pulumi program. keys lists all
// keys that are set, since a program can read a key but cannot list the keys,
// and a misspelt key would go unnoticed. root is the path of the clone.
func FromPulumi(ctx *pulumi.Context, root string, keys []string) Source {
	return pulumiSource{ctx, keys, ReadFile(filepath.Join(root, "stacks", "Pulumi."+ctx.Stack()+".yaml"))}
}

func (s pulumiSource) Keys() []string { return s.keys }

func (s pulumiSource) File() File { return s.file }

func (s pulumiSource) Get(key string) (string, bool) { return s.ctx.GetConfig(key) }

// KeysFromEnvironment returns the keys in PULUMI_CONFIG, in which the Go
// language host passes the configuration to a program.
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
