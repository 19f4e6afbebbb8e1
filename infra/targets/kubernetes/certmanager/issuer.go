// Package certmanager provides the one cert-manager resource that a stack makes: an
// Issuer, which requests certificates from an authority by ACME.
package certmanager

import (
	"fmt"
	"reflect"

	metav1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/meta/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// These are cert-manager's API, the kind that a stack makes, and the annotations
// of an Ingress that name an issuer (cert-manager.io/docs/usage/ingress).
const (
	APIVersion              = "cert-manager.io/v1"
	Kind                    = "Issuer"
	AnnotationIssuer        = "cert-manager.io/issuer"
	AnnotationClusterIssuer = "cert-manager.io/cluster-issuer"
)

// ResourceType is the resource's Pulumi type.
const ResourceType = "kubernetes:cert-manager.io/v1:Issuer"

// Issuer is a registered Issuer.
type Issuer struct {
	pulumi.CustomResourceState

	APIVersion pulumi.StringOutput     `pulumi:"apiVersion"`
	Kind       pulumi.StringOutput     `pulumi:"kind"`
	Metadata   metav1.ObjectMetaOutput `pulumi:"metadata"`
	Spec       pulumi.MapOutput        `pulumi:"spec"`
}

// IssuerArgs are the inputs of an Issuer.
type IssuerArgs struct {
	Metadata metav1.ObjectMetaPtrInput
	// Server is the URL of the authority's ACME directory.
	Server pulumi.StringInput
	// Email is the account's contact. Optional.
	Email pulumi.StringPtrInput
	// CABundle has the authority's own root certificates, in PEM and base64.
	// Optional.
	CABundle pulumi.StringPtrInput
	// AccountSecret is the name of the secret in which cert-manager stores the
	// account's key.
	AccountSecret pulumi.StringInput
	// IngressClass is the class of the controller that answers challenges. Nil means
	// the cluster's default class.
	IngressClass pulumi.StringPtrInput
}

// ObjectArgs is the object that is sent to the cluster.
type ObjectArgs struct {
	APIVersion pulumi.StringInput
	Kind       pulumi.StringInput
	Metadata   metav1.ObjectMetaPtrInput
	Spec       pulumi.MapInput
}

// object is the type that is sent to the cluster.
type object struct {
	APIVersion string             `pulumi:"apiVersion"`
	Kind       string             `pulumi:"kind"`
	Metadata   *metav1.ObjectMeta `pulumi:"metadata"`
	Spec       map[string]any     `pulumi:"spec"`
}

// ElementType returns the type that is sent to the cluster.
func (ObjectArgs) ElementType() reflect.Type { return reflect.TypeFor[object]() }

// NewIssuer registers an Issuer that proves a host by the HTTP-01 challenge.
func NewIssuer(ctx *pulumi.Context, name string, args *IssuerArgs, opts ...pulumi.ResourceOption) (*Issuer, error) {
	acme := pulumi.Map{
		"server":              args.Server,
		"privateKeySecretRef": pulumi.Map{"name": args.AccountSecret},
	}
	if args.Email != nil {
		acme["email"] = args.Email
	}
	if args.CABundle != nil {
		acme["caBundle"] = args.CABundle
	}
	solver := pulumi.Map{}
	if args.IngressClass != nil {
		solver["ingressClassName"] = args.IngressClass
	}
	acme["solvers"] = pulumi.Array{pulumi.Map{"http01": pulumi.Map{"ingress": solver}}}
	var i Issuer
	err := ctx.RegisterResource(ResourceType, name, &ObjectArgs{
		APIVersion: pulumi.String(APIVersion),
		Kind:       pulumi.String(Kind),
		Metadata:   args.Metadata,
		Spec:       pulumi.Map{"acme": acme},
	}, &i, opts...)
	if err != nil {
		return nil, fmt.Errorf("registering the %s: %w", Kind, err)
	}
	return &i, nil
}
