package kubernetes

import (
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// NewProvider registers a cluster's provider with the settings that the workload
// relies on: the program's values override manual changes. identifier identifies
// the cluster; if it changes, all objects are made again. args describe how to
// reach the cluster; with nil, the provider reaches it as kubectl does.
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
