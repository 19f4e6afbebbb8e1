// Command kubernetes runs the conformance suite on a cluster. KUBECONFIG
// selects the cluster, CONFORMANCE_REGISTRY the registry for the images. See
// package cluster.
package main

import (
	"os"

	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/cluster"
)

func main() { os.Exit(conformance.Main(cluster.FromEnvironment)) }
