// Command escala runs the Pulumi program for every target, and plans it.
package main

import (
	"os"

	"escala/infra/cli"
	"escala/infra/cli/plancmd"
	"escala/infra/targets"
)

func main() {
	os.Exit(cli.Main(targets.All, plancmd.Plan, plancmd.Diff, plancmd.Manifests))
}
