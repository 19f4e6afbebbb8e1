package local

import (
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/targets/local/provider"
)

// These types are the program's side of the resources that package provider
// implements. The provider's own structs describe the inputs to the SDK.

type providerArgs struct {
	State pulumi.StringInput
}

func (*providerArgs) ElementType() reflect.Type { return reflect.TypeFor[provider.Config]() }

type providerResource struct {
	pulumi.ProviderResourceState
}

type imageArgs struct {
	Digest pulumi.StringInput
}

func (*imageArgs) ElementType() reflect.Type { return reflect.TypeFor[provider.ImageArgs]() }

type imageResource struct {
	pulumi.CustomResourceState
	Digest pulumi.StringOutput `pulumi:"digest"`
}

type storeArgs struct{}

func (*storeArgs) ElementType() reflect.Type { return reflect.TypeFor[provider.StoreArgs]() }

type storeResource struct {
	pulumi.CustomResourceState
	Folder pulumi.StringOutput `pulumi:"folder"`
}

type agentArgs struct {
	Store  pulumi.StringInput
	SHA256 pulumi.StringInput
	Source pulumi.StringInput
}

func (*agentArgs) ElementType() reflect.Type { return reflect.TypeFor[provider.AgentArgs]() }

type agentResource struct {
	pulumi.CustomResourceState
}

type releaseArgs struct {
	Store   pulumi.StringInput
	Release pulumi.StringInput
	Size    pulumi.IntInput
	Source  pulumi.StringInput
}

func (*releaseArgs) ElementType() reflect.Type { return reflect.TypeFor[provider.ReleaseArgs]() }

type releaseResource struct {
	pulumi.CustomResourceState
	Release pulumi.StringOutput `pulumi:"release"`
	Size    pulumi.IntOutput    `pulumi:"size"`
}

type pointerArgs struct {
	Store   pulumi.StringInput
	Release pulumi.StringInput
	Size    pulumi.IntInput
	// RequestedAt is not set in a plan. Command is not set for a release without a release
	// command.
	RequestedAt pulumi.IntPtrInput
	Command     pulumi.StringPtrInput
	// Bake is not set for a release that is not watched.
	Bake pulumi.StringPtrInput
}

func (*pointerArgs) ElementType() reflect.Type { return reflect.TypeFor[provider.PointerArgs]() }

type pointerResource struct {
	pulumi.CustomResourceState
	Release pulumi.StringOutput `pulumi:"release"`
}

type machineArgs struct {
	Image     pulumi.StringInput
	UserData  pulumi.StringInput
	Store     pulumi.StringInput
	OpenFiles pulumi.IntInput
	// Authority is set only with HTTPS. Shared is set only with schedules or a
	// release command.
	Authority pulumi.StringPtrInput
	Shared    pulumi.BoolPtrInput
}

func (*machineArgs) ElementType() reflect.Type { return reflect.TypeFor[provider.MachineArgs]() }

type machineResource struct {
	pulumi.CustomResourceState
	IP pulumi.StringOutput `pulumi:"ip"`
}

type addressArgs struct {
	Port      pulumi.IntInput
	Target    pulumi.StringInput
	Forwarder pulumi.StringInput
	// TargetPort and Authority are set only with HTTPS.
	TargetPort pulumi.IntPtrInput
	Authority  pulumi.StringPtrInput
}

func (*addressArgs) ElementType() reflect.Type { return reflect.TypeFor[provider.AddressArgs]() }

type addressResource struct {
	pulumi.CustomResourceState
	URL pulumi.StringOutput `pulumi:"url"`
}

type authorityArgs struct {
	Program pulumi.StringInput
}

func (*authorityArgs) ElementType() reflect.Type { return reflect.TypeFor[provider.AuthorityArgs]() }

type authorityResource struct {
	pulumi.CustomResourceState
	Folder    pulumi.StringOutput `pulumi:"folder"`
	Directory pulumi.StringOutput `pulumi:"directory"`
	CA        pulumi.StringOutput `pulumi:"ca"`
	Seed      pulumi.StringOutput `pulumi:"seed"`
}
