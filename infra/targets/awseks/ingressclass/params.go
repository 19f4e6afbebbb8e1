// Package ingressclass provides the one resource of EKS Auto Mode that no SDK
// has: IngressClassParams, which configure its load balancers.
package ingressclass

import (
	"fmt"
	"reflect"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// APIGroup and Kind are what an IngressClass refers to. Controller is the
// controller that reads it.
const (
	APIGroup   = "eks.amazonaws.com"
	Kind       = "IngressClassParams"
	Controller = "eks.amazonaws.com/alb"
)

// ResourceType is the resource's Pulumi type.
const ResourceType = "kubernetes:eks.amazonaws.com/v1:IngressClassParams"

// Params is a registered IngressClassParams, which applies to the whole
// cluster.
type Params struct {
	pulumi.CustomResourceState

	APIVersion pulumi.StringOutput     `pulumi:"apiVersion"`
	Kind       pulumi.StringOutput     `pulumi:"kind"`
	Metadata   metav1.ObjectMetaOutput `pulumi:"metadata"`
	Spec       pulumi.MapOutput        `pulumi:"spec"`
}

// ParamsArgs are the inputs of Params.
type ParamsArgs struct {
	// Name is the name that an IngressClass refers to.
	Name pulumi.StringInput
	Spec SpecInput
}

// SpecArgs describe the load balancers that are created.
type SpecArgs struct {
	// Scheme is "internet-facing" or "internal".
	Scheme pulumi.StringInput `pulumi:"scheme"`
	// Subnets are the subnets of the load balancers.
	Subnets SubnetsInput `pulumi:"subnets"`
	// Certificates are ARNs of ACM certificates. Optional.
	Certificates pulumi.StringArrayInput `pulumi:"certificateARNs"`
	// Attributes are the attributes of the load balancers
	// ("idle_timeout.timeout_seconds").
	Attributes PairArray `pulumi:"loadBalancerAttributes"`
	// Tags are the tags of load balancers, target groups and security groups.
	Tags PairArray `pulumi:"tags"`
}

// ElementType returns the type that is sent to the cluster.
func (SpecArgs) ElementType() reflect.Type { return reflect.TypeFor[spec]() }

// SpecInput is an input that accepts SpecArgs.
type SpecInput interface{ pulumi.Input }

// SubnetsArgs select subnets.
type SubnetsArgs struct {
	IDs pulumi.StringArrayInput `pulumi:"ids"`
}

// ElementType returns the type that is sent to the cluster.
func (SubnetsArgs) ElementType() reflect.Type { return reflect.TypeFor[subnets]() }

// SubnetsInput is an input that accepts SubnetsArgs.
type SubnetsInput interface{ pulumi.Input }

// PairArray is a list of attributes or tags.
type PairArray []PairInput

// ElementType returns the type that is sent to the cluster.
func (PairArray) ElementType() reflect.Type { return reflect.TypeFor[[]pair]() }

// PairInput is an input that accepts PairArgs.
type PairInput interface{ pulumi.Input }

// PairArgs is an attribute or a tag.
type PairArgs struct {
	Key   pulumi.StringInput `pulumi:"key"`
	Value pulumi.StringInput `pulumi:"value"`
}

// ElementType returns the type that is sent to the cluster.
func (PairArgs) ElementType() reflect.Type { return reflect.TypeFor[pair]() }

// object is the Kubernetes object that is sent to the cluster.
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

// ObjectArgs are the inputs of an object.
type ObjectArgs struct {
	APIVersion pulumi.StringInput
	Kind       pulumi.StringInput
	Metadata   metav1.ObjectMetaPtrInput
	Spec       SpecInput
}

// ElementType returns the type that is sent to the cluster.
func (ObjectArgs) ElementType() reflect.Type { return reflect.TypeFor[object]() }

// NewParams registers an IngressClassParams.
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
