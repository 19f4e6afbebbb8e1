// Command infra is escala's Pulumi program: pulumi up -s local, -s aws-ec2, …
package main

import (
	"log/slog"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/program"
	"escala/infra/stackconfig"
	"escala/infra/targets"
	"escala/infra/workspace"
)

func main() {
	root, err := workspace.Root()
	if err != nil {
		slog.Error("finding the clone", "error", err)
		os.Exit(1)
	}
	keys, err := stackconfig.KeysFromEnvironment()
	if err != nil {
		slog.Error("reading the configuration", "error", err)
		os.Exit(1)
	}
	pulumi.Run(program.New(root, keys, targets.All))
}
