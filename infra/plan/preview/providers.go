package preview

import (
	"context"
	"fmt"

	p "github.com/pulumi/pulumi-go-provider"

	"escala/infra/engine"
	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
	"escala/infra/targets/local/provider"
)

// recorded are the stand-ins for the clouds' providers. A new cloud is a line
// here.
func recorded() []*offline.Provider {
	return []*offline.Provider{
		clouds.AWS(nil),
		clouds.DigitalOcean(nil),
		clouds.Kubernetes(nil),
		clouds.Random(),
	}
}

// attach serves all providers that a stack may ask for, watched.
func attach(ctx context.Context, attached *engine.Attached) ([]*offline.Watched, error) {
	var all []*offline.Watched
	for _, one := range recorded() {
		w := offline.Watch(one.Rehearse())
		if err := attached.Attach(ctx, one.Name(), w); err != nil {
			return nil, fmt.Errorf("attaching the recording provider %s: %w", one.Name(), err)
		}
		all = append(all, w)
	}
	// The local target's own provider does nothing in a preview, so it is asked
	// itself.
	own, err := provider.New()
	if err != nil {
		return nil, err
	}
	server, err := p.RawServer(provider.Name, provider.Version, own)(nil)
	if err != nil {
		return nil, fmt.Errorf("making the local provider: %w", err)
	}
	w := offline.Watch(offline.Foretell(server))
	if err := attached.Attach(ctx, provider.Name, w); err != nil {
		return nil, fmt.Errorf("attaching the local provider: %w", err)
	}
	return append(all, w), nil
}
