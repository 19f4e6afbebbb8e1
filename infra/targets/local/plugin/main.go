// Command plugin is the local target's provider as a separate process. Pulumi's
// own installation uses it for `pulumi up -s local`. `make up` runs the same
// provider inside its own process.
package main

import (
	"context"
	"fmt"
	"os"

	"escala/infra/targets/local/provider"
)

func main() {
	p, err := provider.New()
	if err == nil {
		err = p.Run(context.Background(), provider.Name, provider.Version)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
