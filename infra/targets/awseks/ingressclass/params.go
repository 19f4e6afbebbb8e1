// Package ingressclass has the one resource of EKS Auto Mode that no SDK knows:
// IngressClassParams, which say how its load balancers are.
package ingressclass

import (
	"fmt"
	"reflect"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// APIGroup and Kind are what an IngressClass refers to, Controller is who reads
// it.
const (
	APIGroup   = "eks.amazonaws.com"
	Kind       = "IngressClassParams"
	Controller = "eks.amazonaws.com/alb"
)

// ResourceType is the resource's type.
const ResourceType = "kubernetes:eks.amazonaws.com/v1:IngressClassParams"

// Params are IngressClassParams, for the whole cluster.
type Params struct {
	pulumi.CustomResourceState

	APIVersion pulumi.StringOutput     `pulumi:"apiVersion"`
	Kind       pulumi.StringOutput     `pulumi:"kind"`
	Metadata   metav1.ObjectMetaOutput `pulumi:"metadata"`
	Spec       pulumi.MapOutput        `pulumi:"spec"`
}

// ParamsArgs say what they are to be.
type ParamsArgs struct {
	// Name is what an IngressClass refers to.
	Name pulumi.StringInput
	Spec SpecInput
}

// SpecArgs are the load balancers that are made.
type SpecArgs struct {
	// Scheme is "internet-facing" or "internal".
	Scheme pulumi.StringInput `pulumi:"scheme"`
	// Subnets are those that the load balancers are in.
	Subnets SubnetsInput `pulumi:"subnets"`
	// Certificates are ARNs of ACM's. Optional.
	Certificates pulumi.StringArrayInput `pulumi:"certificateARNs"`
	// Attributes are the load balancers' ("idle_timeout.timeout_seconds").
	Attributes PairArray `pulumi:"loadBalancerAttributes"`
	// Tags are put on load balancers, target groups and security groups.
	Tags PairArray `pulumi:"tags"`
}

// ElementType says what the cluster gets.
func (SpecArgs) ElementType() reflect.Type { return reflect.TypeFor[spec]() }

// SpecInput is a SpecArgs.
type SpecInput interface{ pulumi.Input }

// SubnetsArgs name subnets.
type SubnetsArgs struct {
	IDs pulumi.StringArrayInput `pulumi:"ids"`
}

// ElementType says what the cluster gets.
func (SubnetsArgs) ElementType() reflect.Type { return reflect.TypeFor[subnets]() }

// SubnetsInput is a SubnetsArgs.
type SubnetsInput interface{ pulumi.Input }

// PairArray are attributes or tags.
type PairArray []PairInput

// ElementType says what the cluster gets.
func (PairArray) ElementType() reflect.Type { return reflect.TypeFor[[]pair]() }

// PairInput is a PairArgs.
type PairInput interface{ pulumi.Input }

// PairArgs is an attribute or a tag.
type PairArgs struct {
	Key   pulumi.StringInput `pulumi:"key"`
	Value pulumi.StringInput `pulumi:"value"`
}

// ElementType says what the cluster gets.
func (PairArgs) ElementType() reflect.Type { return reflect.TypeFor[pair]() }

// object is what the cluster gets.
type object struct {
	APIVersion string             `pulumi:"apiVersion"`
	Kind       string             `pulumi:"kind"`
	Metadata   *metav1.ObjectMeta `pulumi:"metadata"`
	Spec       spec               `pulumi:"spec"`
}

type spec struct {
	Scheme       string   `pulumi:"scheme"`
	Subnets      subnets  `pulumi:"subnets"`
	Certificates []string `pulumi:"certificateARNs"`
	Attributes   []pair   `pulumi:"loadBalancerAttributes"`
	Tags         []pair   `pulumi:"tags"`
}

type subnets struct {
	IDs []string `pulumi:"ids"`
}

type pair struct {
	Key   string `pulumi:"key"`
	Value string `pulumi:"value"`
}

// ObjectArgs are an object as Pulumi takes it.
type ObjectArgs struct {
	APIVersion pulumi.StringInput
	Kind       pulumi.StringInput
	Metadata   metav1.ObjectMetaPtrInput
	Spec       SpecInput
}

// ElementType says what the cluster gets.
func (ObjectArgs) ElementType() reflect.Type { return reflect.TypeFor[object]() }

// NewParams registers them.
func NewParams(ctx *pulumi.Context, name string, args *ParamsArgs, opts ...pulumi.ResourceOption) (*Params, error) {
	var p Params
	err := ctx.RegisterResource(ResourceType, name, &ObjectArgs{
		APIVersion: pulumi.String(APIGroup + "/v1"),
		Kind:       pulumi.String(Kind),
		Metadata:   &metav1.ObjectMetaArgs{Name: args.Name.ToStringOutput().ToStringPtrOutput()},
		Spec:       args.Spec,
	}, &p, opts...)
	if err != nil {
		return nil, fmt.Errorf("registering %s: %w", Kind, err)
	}
	return &p, nil
}
