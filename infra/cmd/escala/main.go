// Command escala runs the Pulumi program for every target, and plans it.
package main

import (
	"os"

	"escala/infra/command"
	"escala/infra/targets"
)

func main() {
	os.Exit(command.Main(targets.All, planCommand, planDiffCommand, manifestsCommand))
}
