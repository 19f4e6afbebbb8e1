package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/engine"
	"escala/infra/engine/stackfile"
	"escala/infra/operate/origin"
	"escala/infra/program"
	"escala/infra/targets/local"
	"escala/infra/targets/local/host"
	"escala/infra/targets/local/provider"
	"escala/infra/workspace"
)

// opener opens the stack that the flags name.
type opener struct {
	stack   string
	wait    time.Duration
	targets program.Targets
	kill    <-chan struct{}
	// engine is set before the engine may run.
	engine *atomic.Bool
}

// session is an open stack.
type session struct {
	*engine.Stack
	// project is the project's name, root its folder, and state its folder for what
	// remains between operations.
	project, root, state string
	run                  engine.Run
	// reason is the last error that an operation showed. update reports it to the
	// webhook.
	reason *lastError
	update *program.Update
}

// open finds the project and reads the stack's configuration.
func (o *opener) open(ctx context.Context) (*session, error) {
	o.engine.Store(true)
	root, err := workspace.Root()
	if err != nil {
		return nil, err
	}
	file, err := stackfile.Read(stackfile.Path(root, o.stack))
	if err != nil {
		return nil, err
	}
	if file.String(workspace.Namespace+":target") == local.New().Name() {
		if err := host.Install(ctx, os.Stderr); err != nil {
			return nil, err
		}
	}
	project, err := workspace.Read(root)
	if err != nil {
		return nil, err
	}
	s := &session{project: project.Name, root: root, state: filepath.Join(root, program.StateFolder), reason: new(lastError), update: new(program.Update)}
	// The engine takes the folder for plugins from the environment.
	if err := os.Setenv("PULUMI_HOME", filepath.Join(s.state, "pulumi", "home")); err != nil {
		return nil, fmt.Errorf("setting PULUMI_HOME: %w", err)
	}
	if s.Stack, err = engine.Open(engine.Options{
		Project: project.Name, Stack: o.stack, File: file, Root: filepath.Join(root, project.Main),
		State:     filepath.Join(s.state, "pulumi", "backend"),
		Program:   func(keys []string) pulumi.RunFunc { return s.update.Program(root, keys, o.targets) },
		Providers: []engine.Provider{engine.NewProvider(provider.Name, provider.Version, provider.New)},
	}); err != nil {
		return nil, err
	}
	from := origin.Of(ctx, root)
	s.run = engine.Run{
		Message: from.Title, Environment: from.Environment(), Event: s.reason.record, Annotate: s.reason.annotate,
		Out: os.Stdout, Color: color(), Kill: o.kill,
		Wait: o.wait, Waiting: func(locked *engine.LockedError) {
			fmt.Fprintf(os.Stderr, "waiting up to %s for stack %s:\n", o.wait, locked.Stack)
			for _, holder := range locked.Holders {
				fmt.Fprintln(os.Stderr, "  "+holder.String())
			}
		},
	}
	return s, nil
}

// color reports whether the standard output is a terminal that wants color.
func color() bool {
	info, err := os.Stdout.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("NO_COLOR") == ""
}
