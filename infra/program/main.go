package program

import (
	"log/slog"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/stackconfig"
	"escala/infra/workspace"
)

// Main runs the program in a process that Pulumi's language host started. It
// exits if the program fails.
func Main(targets Targets) {
	root, err := workspace.Root()
	if err != nil {
		slog.Error("finding the project", "error", err)
		os.Exit(1)
	}
	keys, err := stackconfig.KeysFromEnvironment()
	if err != nil {
		slog.Error("reading the configuration", "error", err)
		os.Exit(1)
	}
	pulumi.Run(New(root, keys, targets))
}
