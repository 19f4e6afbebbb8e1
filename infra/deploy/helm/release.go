// Package helm registers Helm releases.
//
// The SDK has two resources. helm/v4's Chart is a component that the provider
// builds from as many resources as the chart has. helm/v3's Release is one
// resource, which Helm installs and removes, but the SDK's package links the
// types of all of Kubernetes into the program. So this package describes only
// the release.
package helm

import (
	"fmt"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ResourceType is the resource's Pulumi type.
const ResourceType = "kubernetes:helm.sh/v3:Release"

// Release is an installed chart.
type Release struct {
	pulumi.CustomResourceState

	Name      pulumi.StringPtrOutput `pulumi:"name"`
	Namespace pulumi.StringPtrOutput `pulumi:"namespace"`
	Version   pulumi.StringPtrOutput `pulumi:"version"`
}

// ReleaseArgs are the inputs of a Release.
type ReleaseArgs struct {
	// Chart is the path of the chart's archive, relative to the folder that
	// Pulumi runs in (infra/). Version is the version of the chart in it. An
	// update loads the chart each time, so the URL of a chart site would make
	// every release depend on that site; and an absolute path would differ from
	// clone to clone.
	Chart   pulumi.StringInput
	Version pulumi.StringInput
	// Name is the name of the Helm release. Without it, the name is random.
	Name pulumi.StringInput
	// Namespace must already exist.
	Namespace pulumi.StringInput
	// Values override the chart's own values.
	Values pulumi.MapInput
	// Atomic rolls back a failed upgrade and removes a failed installation.
	Atomic pulumi.BoolPtrInput
	// SkipCrds leaves out the files in the chart's folder crds.
	SkipCrds pulumi.BoolPtrInput
	// Timeout is the time, in seconds, in which the installed objects must
	// become ready.
	Timeout pulumi.IntPtrInput
	// MaxHistory is the number of revisions that Helm keeps on the cluster.
	MaxHistory pulumi.IntPtrInput
	// Compat is set by NewRelease, as in the SDK.
	Compat pulumi.StringPtrInput
}

// releaseArgs is the type that is sent to the provider.
type releaseArgs struct {
	Chart      string         `pulumi:"chart"`
	Version    string         `pulumi:"version"`
	Name       string         `pulumi:"name"`
	Namespace  string         `pulumi:"namespace"`
	Values     map[string]any `pulumi:"values"`
	Atomic     *bool          `pulumi:"atomic"`
	SkipCrds   *bool          `pulumi:"skipCrds"`
	Timeout    *int           `pulumi:"timeout"`
	MaxHistory *int           `pulumi:"maxHistory"`
	Compat     *string        `pulumi:"compat"`
}

// ElementType returns the type that is sent to the provider.
func (ReleaseArgs) ElementType() reflect.Type { return reflect.TypeFor[releaseArgs]() }

// NewRelease registers a release.
func NewRelease(ctx *pulumi.Context, name string, args *ReleaseArgs, opts ...pulumi.ResourceOption) (*Release, error) {
	asked := *args
	asked.Compat = pulumi.String("true")
	var release Release
	if err := ctx.RegisterResource(ResourceType, name, &asked, &release, opts...); err != nil {
		return nil, fmt.Errorf("registering Helm release %s: %w", name, err)
	}
	return &release, nil
}
