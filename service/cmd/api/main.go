// Command api is the service: api serve, api cluster, api status.
package main

import (
	"os"

	"escala/service/app"
	"escala/service/cli"
)

func main() { os.Exit(cli.Main(app.New)) }
