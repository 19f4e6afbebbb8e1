// Command escala runs the Pulumi program for every target, and plans it.
package main

import (
	"os"

	"escala/infra/cli"
	"escala/infra/targets"
)

func main() {
	os.Exit(cli.Main(targets.All, planCommand, planDiffCommand, manifestsCommand))
}
