// Command api is the service: api serve, api cluster, api status.
package main

import (
	"os"
	_ "time/tzdata" // the image has no zone files

	"escala/service/app"
	"escala/service/cli"
)

func main() { os.Exit(cli.Main(app.New)) }
