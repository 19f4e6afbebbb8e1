package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/program"
	"escala/infra/targets/local/provider"
)

// asPulumi does the work for which Pulumi started this program, and returns the exit
// status. A repository's Pulumi.yaml names this program as its program (runtime
// option "binary"), and its folder as that of the local target's plugin. ok is false
// if a person started the program.
func asPulumi(targets program.Targets) (status int, ok bool) {
	switch {
	case filepath.Base(os.Args[0]) == "pulumi-resource-"+provider.Name:
		p, err := provider.New()
		if err == nil {
			err = p.Run(context.Background(), provider.Name, provider.Version)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1, true
		}
		return 0, true
	case os.Getenv(pulumi.EnvMonitor) != "" && len(os.Args) == 1:
		program.Main(targets)
		return 0, true
	}
	return 0, false
}
