package engine

import (
	"context"
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/resource/deploy"
	"github.com/pulumi/pulumi/pkg/v3/resource/stack"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/property"
)

// references resolves the program's stack references to stacks in the same folder.
// escala's program reads the earlier outputs of its own stack.
type references struct{ from *Stack }

var _ deploy.BackendClient = references{}

func (r references) GetStackOutputs(ctx context.Context, name string, _ func(error) error) (property.Map, error) {
	parts := strings.Split(name, "/")
	if len(parts) != 3 || parts[0] != organization {
		return property.Map{}, fmt.Errorf("stack reference %q is not of the form %s/PROJECT/STACK", name, organization)
	}
	referenced := store{root: r.from.store.root, project: parts[1], stack: parts[2]}
	snapshot, err := referenced.load(ctx, r.from.secrets)
	if err != nil {
		return property.Map{}, err
	}
	if snapshot == nil && referenced != r.from.store {
		return property.Map{}, fmt.Errorf("stack reference %q: there is no such stack in %s", name, referenced.root)
	}
	root, err := stack.GetRootStackResource(snapshot)
	if err != nil || root == nil {
		return property.Map{}, err
	}
	return resource.FromResourcePropertyMap(root.Outputs), nil
}

func (references) GetStackResourceOutputs(_ context.Context, name string) (property.Map, error) {
	return property.Map{}, fmt.Errorf("stack reference %q: the resources of a stack cannot be read", name)
}
