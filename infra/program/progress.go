package program

import (
	"context"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/build"
)

// reporting is the program's context with reports of compilations, which the
// engine's display shows while they last. In CI there are none: a log keeps every
// line.
func reporting(ctx *pulumi.Context) context.Context {
	if os.Getenv("CI") != "" {
		return ctx.Context()
	}
	return build.WithProgress(ctx.Context(), func(p build.Progress) {
		// A report that cannot be shown is none.
		_ = ctx.Log.Info(p.String(), &pulumi.LogArgs{Ephemeral: true})
	})
}
