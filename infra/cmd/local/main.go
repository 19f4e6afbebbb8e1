// Command local is escala for the target local alone. A first `make up` on a
// new computer compiles it in a third of the time: no cloud's SDK is in it.
package main

import (
	"os"

	"escala/infra/command"
	"escala/infra/local"
	"escala/infra/target"
)

func main() {
	os.Exit(command.Main(func() []target.Target { return []target.Target{local.New()} }))
}
