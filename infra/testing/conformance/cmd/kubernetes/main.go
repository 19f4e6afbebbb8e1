// Command kubernetes runs the conformance suite on a cluster: KUBECONFIG says
// which, CONFORMANCE_REGISTRY where images go. See package cluster.
package main

import (
	"os"

	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/cluster"
)

func main() { os.Exit(conformance.Main(cluster.FromEnvironment)) }
