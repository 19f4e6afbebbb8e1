package engine

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"runtime/debug"

	"github.com/pulumi/pulumi/pkg/v3/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// program is the language runtime of a program that is a Go function. The
// engine calls no other method of a runtime whose program is already loaded.
type program struct {
	plugin.LanguageRuntime
	run    pulumi.RunFunc
	engine string // the address of the engine's server
}

func (program) GetRequiredPackages(context.Context, plugin.ProgramInfo) ([]workspace.PackageDescriptor, []workspace.PackageSpec, error) {
	return nil, nil, nil
}

func (program) GetPluginInfo(context.Context) (plugin.PluginInfo, error) {
	return plugin.PluginInfo{}, nil
}

// Run runs the program, and shows its error. bail is true then. failure is an
// error that could not be shown; err is an error of the engine's server.
func (p program) Run(ctx context.Context, info plugin.RunInfo) (failure string, bail bool, err error) {
	values := make(map[string]string, len(info.Config))
	for key, value := range info.Config {
		values[key.String()] = value
	}
	secrets := make([]string, 0, len(info.ConfigSecretKeys))
	for _, key := range info.ConfigSecretKeys {
		secrets = append(secrets, key.String())
	}
	pctx, err := pulumi.NewContext(ctx, pulumi.RunInfo{
		EngineAddr: p.engine, MonitorAddr: info.MonitorAddress,
		Config: values, ConfigSecretKeys: secrets,
		Project: info.Project, Stack: info.Stack, Organization: info.Organization,
		Parallel: info.Parallel, DryRun: info.DryRun,
	})
	if err != nil {
		return "", false, fmt.Errorf("connecting the program to the engine: %w", err)
	}
	defer pctx.Close()
	defer func() {
		if r := recover(); r != nil {
			failure = fmt.Sprintf("the program panicked: %v\n%s", r, debug.Stack())
		}
	}()
	// If a resource failed too, the SDK returns the resource's error, which hides
	// the program's own.
	var own error
	if err := pulumi.RunWithContext(pctx, func(c *pulumi.Context) error {
		own = p.run(c)
		return own
	}); err != nil {
		reason := wrapping.ReplaceAllString(cmp.Or(own, err).Error(), "")
		if pctx.Log.Error(reason, nil) != nil {
			return reason, false, nil
		}
		return "", true, nil
	}
	return "", false, nil
}

// wrapping matches the text that the SDK puts before the reason of a failure.
var wrapping = regexp.MustCompile(`^(waiting for RPCs: |marshaling properties: |awaiting input property "[^"]*": |1 error occurred:\s*\* |\s+)*`)
