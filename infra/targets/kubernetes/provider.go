package kubernetes

import (
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// NewProvider registers a cluster's provider with what the workload relies on:
// its description wins over what was changed by hand. identifier says which
// cluster it is: only when it changes is everything made anew. args say how to
// reach it; nil is as kubectl does.
func NewProvider(ctx *pulumi.Context, name string, identifier pulumi.StringInput, args *kubernetes.ProviderArgs, opts ...pulumi.ResourceOption) (*kubernetes.Provider, error) {
	if args == nil {
		args = &kubernetes.ProviderArgs{}
	}
	args.ClusterIdentifier = identifier.ToStringOutput().ToStringPtrOutput()
	args.EnablePatchForce = pulumi.Bool(true)
	p, err := kubernetes.NewProvider(ctx, name, args, opts...)
	if err != nil {
		return nil, fmt.Errorf("registering the Kubernetes provider: %w", err)
	}
	return p, nil
}
