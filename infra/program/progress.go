package program

import (
	"context"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build"
)

// reporting returns the program's context with progress reports of
// compilations. The engine's display shows them only while a compilation runs.
// In CI there are no reports, since a log keeps every line.
func reporting(ctx *pulumi.Context) context.Context {
	if os.Getenv("CI") != "" {
		return ctx.Context()
	}
	return build.WithProgress(ctx.Context(), func(p build.Progress) {
		// A report that cannot be shown is dropped.
		_ = ctx.Log.Info(p.String(), &pulumi.LogArgs{Ephemeral: true})
	})
}
