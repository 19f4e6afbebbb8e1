package preview

import (
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"

	"escala/infra/engine"
	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
	"escala/infra/targets/local/provider"
)

// offlineClouds returns the fake providers of the clouds. A new cloud is a new line
// here.
func offlineClouds() []*offline.Provider {
	return []*offline.Provider{
		clouds.AWS(addresses),
		clouds.DigitalOcean(addresses),
		clouds.Kubernetes(nil),
		clouds.Random(),
	}
}

// addresses fills in valid addresses, because a certificate for an address needs
// one. RFC 5737 reserves them for documentation.
func addresses(e *offline.Event) error {
	switch e.Type {
	case "aws:ec2/eip:Eip":
		e.Outputs["publicIp"] = resource.NewStringProperty("203.0.113.1")
	case "digitalocean:index/reservedIp:ReservedIp":
		e.Outputs["ipAddress"] = resource.NewStringProperty("203.0.113.2")
	}
	return nil
}

// providers returns all providers that a stack may use, and the recorders of
// their calls.
func providers() ([]engine.Provider, []*offline.Recorder, error) {
	var all []engine.Provider
	var recorders []*offline.Recorder
	add := func(name string, server pulumirpc.ResourceProviderServer) {
		w := offline.Watch(server)
		recorders = append(recorders, w)
		all = append(all, engine.Provider{Name: name, Serve: func() (pulumirpc.ResourceProviderServer, error) { return w, nil }})
	}
	for _, one := range offlineClouds() {
		add(one.Name(), one.FillOutputs())
	}
	// The local target uses its real provider, which changes nothing in a preview.
	own, err := provider.New()
	if err != nil {
		return nil, nil, err
	}
	server, err := p.RawServer(provider.Name, provider.Version, own)(nil)
	if err != nil {
		return nil, nil, fmt.Errorf("making the local provider: %w", err)
	}
	add(provider.Name, offline.FillUnknown(server).
		With("escala:local:Authority", "directory", "https://"+offline.Placeholder+".invalid/dir"))
	return all, recorders, nil
}
