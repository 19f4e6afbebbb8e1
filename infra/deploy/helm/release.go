// Package helm registers Helm releases.
//
// Of the SDK's two resources, helm/v4's Chart is a component that the provider
// itself builds, out of as many resources as the chart has; a release is one,
// which Helm installs and removes. helm/v3, where the SDK has it, drags the
// types of all of Kubernetes into the program, so the one resource that is
// needed is described here.
package helm

import (
	"fmt"
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// ResourceType is the resource's type.
const ResourceType = "kubernetes:helm.sh/v3:Release"

// Release is an installed chart.
type Release struct {
	pulumi.CustomResourceState

	Name      pulumi.StringPtrOutput `pulumi:"name"`
	Namespace pulumi.StringPtrOutput `pulumi:"namespace"`
	Version   pulumi.StringPtrOutput `pulumi:"version"`
}

// ReleaseArgs say what is to be installed.
type ReleaseArgs struct {
	// Chart is the path of the chart's archive, relative to the folder that Pulumi
	// runs in (infra/), and Version the version of what is in it. An update loads
	// the chart each time, so one at a chart site would make every release depend
	// on that site; and an absolute path would differ from clone to clone.
	Chart   pulumi.StringInput
	Version pulumi.StringInput
	// Name is the release's own; without it each release has another.
	Name pulumi.StringInput
	// Namespace has to be there.
	Namespace pulumi.StringInput
	// Values go over the chart's own.
	Values pulumi.MapInput
	// Atomic goes back to what was there where an upgrade fails, and leaves
	// nothing behind where an installation does.
	Atomic pulumi.BoolPtrInput
	// SkipCrds leaves out what the chart has in its folder crds.
	SkipCrds pulumi.BoolPtrInput
	// Timeout is how long what is installed may take to be ready, in seconds.
	Timeout pulumi.IntPtrInput
	// MaxHistory is how many revisions Helm keeps on the cluster.
	MaxHistory pulumi.IntPtrInput
	// Compat is set by NewRelease, as the SDK does.
	Compat pulumi.StringPtrInput
}

// releaseArgs is what the provider gets.
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

// ElementType says what the provider gets.
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
