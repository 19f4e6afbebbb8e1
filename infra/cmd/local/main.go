// Command local is escala for the target local alone. A first `make up` on a
// new computer compiles it in a third of the time: no cloud's SDK is in it.
package main

import (
	"os"

	"escala/infra/cli"
	"escala/infra/deploy"
	"escala/infra/targets/local"
)

func main() {
	os.Exit(cli.Main(func() []deploy.Target { return []deploy.Target{local.New()} }))
}
