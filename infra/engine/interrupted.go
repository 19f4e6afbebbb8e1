package engine

import (
	"fmt"
	"io"

	pkgresource "github.com/pulumi/pulumi/pkg/v3/resource"
	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
)

// warn prints the creations that an earlier operation did not complete.
func warn(out io.Writer, interrupted []pkgresource.Operation) {
	if out == nil || len(interrupted) == 0 {
		return
	}
	fmt.Fprintln(out, "warning: an earlier operation ended while it created these resources:")
	for _, operation := range interrupted {
		fmt.Fprintf(out, "  %s %s\n", operation.Resource.Type, operation.Resource.URN.Name())
	}
	fmt.Fprintln(out, "They are created again. If the provider had already made one, it exists twice: delete the one that the stack does not list.")
}

// resolved returns a function that reports which interrupted creations need no
// warning any more. After a complete update these are all of them, otherwise those
// whose resource exists now.
func resolved(snapshot *deploy.Snapshot, all bool) func(pkgresource.Operation) bool {
	return func(operation pkgresource.Operation) bool {
		if all || snapshot == nil {
			return all
		}
		for _, r := range snapshot.Resources {
			if r.URN == operation.Resource.URN && !r.Delete {
				return true
			}
		}
		return false
	}
}
