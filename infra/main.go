// Command infra is escala's Pulumi program: pulumi up -s local, -s aws-ec2, …
package main

import (
	"escala/infra/program"
	"escala/infra/targets"
)

func main() { program.Main(targets.All) }
