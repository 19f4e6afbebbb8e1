package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/auto"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/engine"
	"escala/infra/program"
	"escala/infra/targets/local"
	"escala/infra/targets/local/host"
	"escala/infra/targets/local/provider"
	"escala/infra/workspace"
)

// project is the name in Pulumi.yaml.
const project = "escala"

// session is an open stack.
type session struct {
	stack     auto.Stack
	state     string
	providers *engine.Attached
}

// open finds the clone and the CLI, starts the providers and opens the stack.
func open(ctx context.Context, stack string, targets program.Targets) (*session, error) {
	root, err := workspace.Root()
	if err != nil {
		return nil, err
	}
	cli, err := engine.FindCLI(ctx, root)
	if err != nil {
		return nil, err
	}
	stackFile := filepath.Join(root, "stacks", "Pulumi."+stack+".yaml")
	if engine.ConfigValue(stackFile, project+":target") == local.New().Name() {
		if err := host.Install(ctx, os.Stderr); err != nil {
			return nil, err
		}
	}
	s := &session{state: filepath.Join(root, program.StateFolder), providers: &engine.Attached{}}
	own, err := provider.New()
	if err != nil {
		return nil, err
	}
	if err := s.providers.AttachProvider(ctx, provider.Name, provider.Version, own); err != nil {
		return nil, err
	}
	s.stack, err = engine.Open(ctx, engine.Options{
		Project:   project,
		Stack:     stack,
		StackFile: stackFile,
		State:     filepath.Join(s.state, "pulumi"),
		Pulumi:    cli,
		Program:   func(keys []string) pulumi.RunFunc { return program.New(root, keys, targets) },
		Providers: s.providers,
	})
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func (s *session) close() { s.providers.Close() }

// color is for Pulumi's own display: as a terminal or a pipe wants it.
func color() string {
	if info, err := os.Stdout.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == "" {
		return "always"
	}
	return "never"
}

func printOutputs(outputs auto.OutputMap) {
	fmt.Println()
	for _, key := range []string{"url", "health", "release", "target"} {
		if o, ok := outputs[key]; ok {
			fmt.Printf("%-8s %v\n", key, o.Value)
		}
	}
}
