// Package engine runs Pulumi's engine in this process. It previews, updates,
// refreshes and destroys stacks whose program is a Go function.
//
// No Pulumi installation is needed. Providers either come from Options and run
// in this process, or are plugins that the engine installs itself. The state is
// in a folder in the layout of `pulumi login file://…`, with the same locks,
// history and backups, so that a Pulumi CLI can work on the same stacks.
//
// On an upgrade of Pulumi, compare the ProviderHandshakeRequest in
// plugin.NewProvider and the pulumi.RunInfo in the Automation API: host.go and
// program.go fill both by hand, and a new field causes no compile error. Then
// run make test-cli.
package engine

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime/debug"
	"slices"
	"sync"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/config"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"escala/infra/engine/stackfile"
)

// Options describe a stack and how to run it.
type Options struct {
	// Project is the project's name, which is the namespace of its
	// configuration keys.
	Project string
	// Stack is the stack's name.
	Stack string
	// File is the stack's configuration. The engine does not write it.
	File *stackfile.File
	// State is the folder of Pulumi's state, as in `pulumi login file://`.
	State string
	// Root is the program's working directory. Relative paths of assets start
	// there.
	Root string
	// Program returns the program. keys are the configuration keys that are
	// set, with their namespaces.
	Program func(keys []string) pulumi.RunFunc
	// Providers are used instead of installed plugins.
	Providers []Provider
	// Offline refuses providers that are not among Providers. Otherwise the
	// engine installs them as plugins.
	Offline bool
	// PlainSecrets treats the encrypted values of File as clear text. It is
	// only for a preview of a stack without state.
	PlainSecrets bool
}

// Provider is a resource provider that the engine need not install. One of
// Serve and Path is set.
type Provider struct {
	// Name is the name of the package, for example "aws".
	Name string
	// Serve returns a server that runs in this process, for one operation. The
	// engine calls it once for each provider resource of the program, and
	// cancels each server separately.
	Serve func() (pulumirpc.ResourceProviderServer, error)
	// Path is the folder of a plugin, the program pulumi-resource-NAME. The
	// engine runs it as it runs an installed plugin, whatever version the
	// program's SDK asks for.
	Path string
}

// NewProvider returns a provider that is written with pulumi-go-provider.
func NewProvider(name, version string, make func() (p.Provider, error)) Provider {
	return Provider{Name: name, Serve: func() (pulumirpc.ResourceProviderServer, error) {
		provider, err := make()
		if err != nil {
			return nil, err
		}
		return p.RawServer(name, version, provider)(nil)
	}}
}

// Stack is an open stack. It holds no lock and no process between operations,
// and is safe for concurrent use.
type Stack struct {
	options Options
	name    tokens.StackName
	project *workspace.Project
	config  config.Map
	store   store
	secrets *keyring
}

// Open reads the stack's configuration. It writes nothing.
func Open(o Options) (*Stack, error) {
	setVersion()
	name, err := tokens.ParseStackName(o.Stack)
	if err != nil {
		return nil, fmt.Errorf("stack %q: %w", o.Stack, err)
	}
	project := &workspace.Project{Name: tokens.PackageName(o.Project), Runtime: workspace.NewProjectRuntimeInfo("go", nil)}
	values, err := o.File.Config(project)
	if err != nil {
		return nil, err
	}
	if o.Root, err = filepath.Abs(o.Root); err != nil {
		return nil, fmt.Errorf("the program's folder: %w", err)
	}
	if project.Plugins, err = plugins(o.Providers); err != nil {
		return nil, err
	}
	return &Stack{
		options: o, name: name, project: project, config: values,
		store:   store{root: o.State, project: o.Project, stack: o.Stack},
		secrets: newKeyring(o.File, values.HasSecureValue(), o.PlainSecrets),
	}, nil
}

// plugins returns the project's setting for the providers that are plugins.
func plugins(providers []Provider) (*workspace.Plugins, error) {
	var all workspace.Plugins
	for _, p := range providers {
		if p.Path == "" {
			continue
		}
		path, err := filepath.Abs(p.Path)
		if err != nil {
			return nil, fmt.Errorf("the plugin %s: %w", p.Name, err)
		}
		all.Providers = append(all.Providers, workspace.PluginOptions{Name: p.Name, Path: path})
	}
	return &all, nil
}

func (s *Stack) Name() string { return s.options.Stack }

// keys returns the configuration keys that are set, sorted.
func (s *Stack) keys() []string {
	keys := make([]string, 0, len(s.config))
	for key := range s.config {
		keys = append(keys, key.String())
	}
	slices.Sort(keys)
	return keys
}

// Unlock removes the locks of the stack's state, except those of processes that
// run on this computer. It returns the removed locks' holders.
func (s *Stack) Unlock() ([]Holder, error) { return s.store.unlock() }

// Remove deletes the state and the history of a destroyed stack.
func (s *Stack) Remove(ctx context.Context) error {
	unlock, err := s.store.lock(ctx, lockRequest{operation: "remove"})
	if err != nil {
		return err
	}
	defer unlock()
	content, err := s.store.read()
	if err != nil || content == nil {
		return err
	}
	if n := content.resources(); n > 0 {
		return fmt.Errorf("stack %s still has %d resources; destroy them first", s.options.Stack, n)
	}
	return s.store.remove()
}

// setVersion sets the version that the engine writes into states. In the CLI, the
// linker sets it.
var setVersion = sync.OnceFunc(func() {
	if version.Version != "" {
		return
	}
	version.Version = Version()
})

// Version returns the version of Pulumi's engine in this binary, for example
// "v3.259.0".
func Version() string {
	info, _ := debug.ReadBuildInfo()
	return versionIn(info)
}

func versionIn(info *debug.BuildInfo) string {
	if info == nil {
		return unknownVersion
	}
	for _, module := range info.Deps {
		switch {
		case module.Path != engineModule:
		case module.Replace != nil:
			return module.Replace.Version
		default:
			return module.Version
		}
	}
	return unknownVersion
}

const (
	engineModule = "github.com/pulumi/pulumi/pkg/v3"
	// unknownVersion is the version in binaries without build information, such
	// as tests.
	unknownVersion = "v3.0.0-dev"
)

// ErrFailed is the error of an operation whose display has shown the reason.
var ErrFailed = errors.New("the operation failed; the reason is shown above")

// ErrInterrupted is the error of an operation that the context or Run.Kill
// ended.
var ErrInterrupted = errors.New("interrupted")
