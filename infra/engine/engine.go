// Package engine runs the program under the real Pulumi engine with nothing
// installed but the CLI: the program inline, state in a folder, providers in
// this process.
package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// Options say where an engine finds and keeps things.
type Options struct {
	// Project is the project's name, the namespace of its configuration keys.
	Project string
	// Stack is the stack's name.
	Stack string
	// StackFile is the stack's configuration as it is in the clone. It is only
	// read: what Pulumi writes to such a file (an encryption salt) goes to a
	// copy in State, so that an update leaves the clone clean.
	StackFile string
	// State is the folder for Pulumi's state, home and that copy.
	State string
	// Pulumi is the CLI's path.
	Pulumi string
	// Program makes the program; it is given the configuration keys that are
	// set.
	Program func(keys []string) pulumi.RunFunc
	// Providers run in this process.
	Providers *Attached
	// Env adds to the CLI's environment, or overrides it. Optional.
	Env map[string]string
}

// Open returns the stack, made when it is not there yet.
func Open(ctx context.Context, o Options) (auto.Stack, error) {
	work := filepath.Join(o.State, "stacks", o.Stack)
	backend := filepath.Join(o.State, "backend")
	for _, folder := range []string{work, backend} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return auto.Stack{}, fmt.Errorf("making the folder for Pulumi's state: %w", err)
		}
	}
	if err := copyStackFile(o.StackFile, filepath.Join(work, "Pulumi."+o.Stack+".yaml")); err != nil {
		return auto.Stack{}, err
	}
	cli, err := auto.NewPulumiCommand(&auto.PulumiCommandOptions{Root: filepath.Dir(filepath.Dir(o.Pulumi)), Version: MinimumCLI})
	if err != nil {
		return auto.Stack{}, fmt.Errorf("starting the Pulumi CLI %s: %w", o.Pulumi, err)
	}
	env := map[string]string{
		"PULUMI_BACKEND_URL":                          "file://" + backend,
		"PULUMI_HOME":                                 filepath.Join(o.State, "home"),
		"PULUMI_SKIP_UPDATE_CHECK":                    "true",
		"PULUMI_DEBUG_PROVIDERS":                      o.Providers.environment(),
		"PULUMI_CONFIG_PASSPHRASE":                    os.Getenv("PULUMI_CONFIG_PASSPHRASE"),
		"PULUMI_SELF_MANAGED_STATE_NO_LEGACY_WARNING": "true",
	}
	maps.Copy(env, o.Env)
	stack, err := auto.UpsertStackInlineSource(ctx, o.Stack, o.Project,
		// The keys are read below, before the engine asks for the program.
		func(ctx *pulumi.Context) error { return errors.New("the stack is not open yet") },
		auto.WorkDir(work), auto.Pulumi(cli), auto.EnvVars(env),
		auto.SecretsProvider("passphrase"),
		auto.Project(workspace.Project{
			Name:    tokens.PackageName(o.Project),
			Runtime: workspace.NewProjectRuntimeInfo("go", nil),
		}))
	if err != nil {
		return auto.Stack{}, fmt.Errorf("opening stack %s: %w", o.Stack, err)
	}
	config, err := stack.GetAllConfig(ctx)
	if err != nil {
		return auto.Stack{}, fmt.Errorf("reading the configuration of stack %s: %w", o.Stack, err)
	}
	keys := make([]string, 0, len(config))
	for key := range config {
		keys = append(keys, key)
	}
	stack.Workspace().SetProgram(o.Program(keys))
	return stack, nil
}

// MinimumCLI is the oldest Pulumi CLI that will do: as in Pulumi.yaml.
var MinimumCLI = semver.MustParse("3.238.0")
