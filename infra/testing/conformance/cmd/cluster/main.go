//go:build linux

// Command cluster runs the conformance suite on a cluster in processes of this
// computer. See package pods.
package main

import (
	"context"

	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/pods"
	"escala/infra/testing/podcluster/isolated"
)

func main() {
	isolated.Run(func() int {
		return conformance.Main(func(ctx context.Context, root string) (conformance.System, error) {
			return pods.New(ctx, root)
		})
	})
}
