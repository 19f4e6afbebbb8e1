package build_test

import (
	"fmt"
	"strings"

	"escala/infra/build"
)

// The arguments of "go build" keep out of the binary everything that differs
// between computers, so that its SHA-256 can name the release.
func ExampleArguments() {
	fmt.Println(strings.Join(build.Arguments("bin/api", "./service/cmd/api"), " "))
	// Output:
	// build -trimpath -buildvcs=false -tags grpcnotrace -ldflags -s -w -buildid= -o bin/api ./service/cmd/api
}

// A platform is written as Go and containers write it.
func ExamplePlatform() {
	fmt.Println(build.Platform{OS: "linux", Arch: "arm64"})
	// Output:
	// linux/arm64
}
