package local

import (
	"reflect"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// The program's side of the resources that package provider implements.

type providerArgs struct {
	State pulumi.StringInput
}

func (*providerArgs) ElementType() reflect.Type { return reflect.TypeFor[providerInputs]() }

type providerInputs struct {
	State string `pulumi:"state"`
}

type providerResource struct {
	pulumi.ProviderResourceState
}

type imageArgs struct {
	Digest pulumi.StringInput
}

func (*imageArgs) ElementType() reflect.Type { return reflect.TypeFor[imageInputs]() }

type imageInputs struct {
	Digest string `pulumi:"digest"`
}

type imageResource struct {
	pulumi.CustomResourceState
	Digest pulumi.StringOutput `pulumi:"digest"`
}

type storeArgs struct{}

func (*storeArgs) ElementType() reflect.Type { return reflect.TypeFor[storeInputs]() }

type storeInputs struct{}

type storeResource struct {
	pulumi.CustomResourceState
	Folder pulumi.StringOutput `pulumi:"folder"`
}

type agentArgs struct {
	Store  pulumi.StringInput
	SHA256 pulumi.StringInput
	Source pulumi.StringInput
}

func (*agentArgs) ElementType() reflect.Type { return reflect.TypeFor[agentInputs]() }

type agentInputs struct {
	Store  string `pulumi:"store"`
	SHA256 string `pulumi:"sha256"`
	Source string `pulumi:"source"`
}

type agentResource struct {
	pulumi.CustomResourceState
}

type releaseArgs struct {
	Store   pulumi.StringInput
	Release pulumi.StringInput
	Size    pulumi.IntInput
	Source  pulumi.StringInput
}

func (*releaseArgs) ElementType() reflect.Type { return reflect.TypeFor[releaseInputs]() }

type releaseInputs struct {
	Store   string `pulumi:"store"`
	Release string `pulumi:"release"`
	Size    int    `pulumi:"size"`
	Source  string `pulumi:"source"`
}

type releaseResource struct {
	pulumi.CustomResourceState
	Release pulumi.StringOutput `pulumi:"release"`
	Size    pulumi.IntOutput    `pulumi:"size"`
}

type pointerArgs struct {
	Store   pulumi.StringInput
	Release pulumi.StringInput
	Size    pulumi.IntInput
}

func (*pointerArgs) ElementType() reflect.Type { return reflect.TypeFor[pointerInputs]() }

type pointerInputs struct {
	Store   string `pulumi:"store"`
	Release string `pulumi:"release"`
	Size    int    `pulumi:"size"`
}

type pointerResource struct {
	pulumi.CustomResourceState
	Release pulumi.StringOutput `pulumi:"release"`
}

type machineArgs struct {
	Image     pulumi.StringInput
	UserData  pulumi.StringInput
	Store     pulumi.StringInput
	OpenFiles pulumi.IntInput
}

func (*machineArgs) ElementType() reflect.Type { return reflect.TypeFor[machineInputs]() }

type machineInputs struct {
	Image     string `pulumi:"image"`
	UserData  string `pulumi:"userData"`
	Store     string `pulumi:"store"`
	OpenFiles int    `pulumi:"openFiles"`
}

type machineResource struct {
	pulumi.CustomResourceState
	IP pulumi.StringOutput `pulumi:"ip"`
}

type addressArgs struct {
	Port      pulumi.IntInput
	Target    pulumi.StringInput
	Forwarder pulumi.StringInput
}

func (*addressArgs) ElementType() reflect.Type { return reflect.TypeFor[addressInputs]() }

type addressInputs struct {
	Port      int    `pulumi:"port"`
	Target    string `pulumi:"target"`
	Forwarder string `pulumi:"forwarder"`
}

type addressResource struct {
	pulumi.CustomResourceState
	URL pulumi.StringOutput `pulumi:"url"`
}
