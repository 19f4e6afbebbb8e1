// Command local runs the conformance suite on the local target's machine.
package main

import (
	"context"
	"os"

	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/local"
)

func main() {
	os.Exit(conformance.Main(func(_ context.Context, root string) (conformance.System, error) {
		return local.New(root), nil
	}))
}
