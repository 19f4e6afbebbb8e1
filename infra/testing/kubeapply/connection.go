package kubeapply

import (
	"context"
	"fmt"
	"slices"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Attach receives the engine's address, which this provider does not use.
func (p *Provider) Attach(context.Context, *pulumirpc.PluginAttach) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// GetPluginInfo returns the version of the provider that this one stands in
// for.
func (p *Provider) GetPluginInfo(context.Context, *emptypb.Empty) (*pulumirpc.PluginInfo, error) {
	return &pulumirpc.PluginInfo{Version: version}, nil
}

// Cancel does nothing: each running call ends with its own context.
func (p *Provider) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}

// These are the configuration keys that this provider uses.
const (
	configKubeconfig = "kubeconfig"
	configContext    = "context"
	configNamespace  = "namespace"
	configForce      = "enablePatchForce"
	// These two keys allow in-place changes of ConfigMaps and Secrets. Without
	// them, changed content replaces the object.
	configMapsMutable    = "enableConfigMapMutable"
	configSecretsMutable = "enableSecretMutable"
)

// knownConfig lists the keys of pulumi-kubernetes that escala may set. The keys
// without an effect here are about identities and versions.
var knownConfig = []string{
	configKubeconfig, configContext, configNamespace, configForce, configMapsMutable, configSecretsMutable,
	"clusterIdentifier", "deleteUnreachable", "enableServerSideApply", "suppressDeprecationWarnings",
	"version", "pluginDownloadURL",
}

// CheckConfig refuses keys that are not in knownConfig.
func (p *Provider) CheckConfig(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	news, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	resp := &pulumirpc.CheckResponse{Inputs: req.GetNews()}
	for key := range news {
		if !slices.Contains(knownConfig, string(key)) {
			resp.Failures = append(resp.Failures, &pulumirpc.CheckFailure{
				Property: string(key), Reason: "the applying provider does not act on " + string(key),
			})
		}
	}
	return resp, nil
}

// DiffConfig replaces nothing: a changed configuration is another way to reach
// the same objects.
func (p *Provider) DiffConfig(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	olds, err := unmarshal(req.GetOldInputs())
	if err != nil {
		return nil, err
	}
	news, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	if olds.DeepEquals(news) {
		return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_NONE}, nil
	}
	return &pulumirpc.DiffResponse{Changes: pulumirpc.DiffResponse_DIFF_SOME}, nil
}

// Configure connects to the cluster.
func (p *Provider) Configure(_ context.Context, req *pulumirpc.ConfigureRequest) (*pulumirpc.ConfigureResponse, error) {
	config, err := unmarshal(req.GetArgs())
	if err != nil {
		return nil, err
	}
	connected, err := connect(settings{
		kubeconfig:     text(config, configKubeconfig),
		context:        text(config, configContext),
		namespace:      text(config, configNamespace),
		force:          flag(config, configForce),
		mutableMaps:    flag(config, configMapsMutable),
		mutableSecrets: flag(config, configSecretsMutable),
	})
	if err != nil {
		return nil, fmt.Errorf("connecting to the cluster: %w", err)
	}
	p.mu.Lock()
	p.cluster = connected
	p.mu.Unlock()
	return &pulumirpc.ConfigureResponse{AcceptSecrets: true, SupportsPreview: true, AcceptResources: true}, nil
}

// GetSchema returns no schema: Go programs carry it in their SDK.
func (p *Provider) GetSchema(context.Context, *pulumirpc.GetSchemaRequest) (*pulumirpc.GetSchemaResponse, error) {
	return &pulumirpc.GetSchemaResponse{Schema: "{}"}, nil
}

func text(config resource.PropertyMap, key string) string {
	if v, known := plain(config[resource.PropertyKey(key)]); known {
		s, _ := v.(string)
		return s
	}
	return ""
}

// flag reads a boolean. The SDKs send a provider's booleans as JSON.
func flag(config resource.PropertyMap, key string) bool {
	v, _ := plain(config[resource.PropertyKey(key)])
	return v == true || v == "true"
}
