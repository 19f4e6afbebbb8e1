// Command pulumi-resource-kubernetes is Pulumi's own Kubernetes plugin, for tests:
// `make bin/plugins/kubernetes/pulumi-resource-kubernetes`. Its main is like the
// plugin's, which cannot be built outside of its repository: a generated file that
// it embeds is not in the module. The Makefile puts the sources of that file beside
// this binary.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/provider"
	"github.com/pulumi/pulumi-kubernetes/provider/v4/pkg/version"
)

func main() {
	var contents [2][]byte
	for i, name := range []string{"schema.json", "terraform-mapping.json"} {
		content, err := beside(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, "pulumi-resource-kubernetes:", err)
			os.Exit(1)
		}
		contents[i] = content
	}
	provider.Serve("kubernetes", version.Version, contents[0], contents[1])
}

// beside reads a file in the folder of this binary.
func beside(name string) ([]byte, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("looking for its own folder: %w", err)
	}
	return os.ReadFile(filepath.Join(filepath.Dir(self), name))
}
