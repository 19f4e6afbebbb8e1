// Command process runs the conformance suite on api cluster, which runs as a
// plain process.
package main

import (
	"context"
	"os"

	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/process"
)

func main() {
	os.Exit(conformance.Main(func(_ context.Context, root string) (conformance.System, error) {
		return process.New(root), nil
	}))
}
