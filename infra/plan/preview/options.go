package preview

import (
	"fmt"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// options holds the resource options of the program by type and name. Providers
// do not receive resource options.
type options struct {
	mu     sync.Mutex
	byName map[string]pulumi.ResourceOptions
}

func optionsKey(kind, name string) string { return kind + "::" + name }

// forResource returns the options of a resource.
func (o *options) forResource(kind, name string) pulumi.ResourceOptions {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.byName[optionsKey(kind, name)]
}

// record wraps the program so that the options of its resources are recorded.
func (o *options) record(program pulumi.RunFunc) pulumi.RunFunc {
	return func(ctx *pulumi.Context) error {
		err := ctx.RegisterStackTransformation(func(args *pulumi.ResourceTransformationArgs) *pulumi.ResourceTransformationResult {
			all, err := pulumi.NewResourceOptions(args.Opts...)
			if err != nil {
				return nil
			}
			o.mu.Lock()
			defer o.mu.Unlock()
			if o.byName == nil {
				o.byName = map[string]pulumi.ResourceOptions{}
			}
			o.byName[optionsKey(args.Type, args.Name)] = *all
			return nil
		})
		if err != nil {
			return fmt.Errorf("noting the resources' options: %w", err)
		}
		return program(ctx)
	}
}
