package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/codegen/convert"
	"github.com/pulumi/pulumi/pkg/v3/codegen/schema"
	pluginhost "github.com/pulumi/pulumi/pkg/v3/host"
	"github.com/pulumi/pulumi/pkg/v3/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag"
	"github.com/pulumi/pulumi/sdk/v3/go/common/env"
	"github.com/pulumi/pulumi/sdk/v3/go/common/workspace"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// hosts are the plugin hosts of one operation.
type hosts struct {
	stack *Stack
	made  []*host
}

func (h *hosts) make(ctx context.Context, d, status diag.Sink, debugging plugin.DebugContext) (plugin.Host, error) {
	inner, err := pluginhost.New(ctx, d, status, debugging, nil,
		schema.NewLoaderServerFromContext, convert.NewMapperServerFromContext, nil)
	if err != nil {
		return nil, fmt.Errorf("starting the plugin host: %w", err)
	}
	made := &host{Host: inner, stack: h.stack, closed: make(chan struct{})}
	made.interrupted, made.interrupt = context.WithCancel(context.WithoutCancel(ctx))
	h.made = append(h.made, made)
	return made, nil
}

// hostClose is the time in which the engine must begin to close a host. It
// never closes the host if it fails before it has started a program.
const hostClose = 2 * time.Second

// close returns when all hosts, and with them the providers, are closed.
func (h *hosts) close() error {
	var failed error
	for _, made := range h.made {
		select {
		case <-made.closed:
		case <-time.After(hostClose):
			failed = errors.Join(failed, made.Close())
		}
	}
	return failed
}

// host is the engine's plugin host. It adds the program and the given providers
// to the plugins.
type host struct {
	plugin.Host
	stack  *Stack
	closed chan struct{}
	once   sync.Once

	interrupted context.Context //nolint:containedctx // it is the connections'
	interrupt   context.CancelFunc

	mu      sync.Mutex
	running []pulumirpc.ResourceProviderClient
}

func (h *host) Close() error {
	err := h.Host.Close()
	h.once.Do(func() {
		h.interrupt()
		close(h.closed)
	})
	return err
}

func (h *host) LanguageRuntime(*plugin.Context, string) (plugin.LanguageRuntime, error) {
	return program{run: h.stack.options.Program(h.stack.keys()), engine: h.ServerAddr()}, nil
}

func (h *host) Provider(ctx *plugin.Context, d workspace.PluginDescriptor, e env.Env) (plugin.Provider, error) {
	for _, p := range h.stack.options.Providers {
		if p.Name == d.Name {
			if p.Path != "" {
				return h.Host.Provider(ctx, d, e)
			}
			provider, err := h.start(ctx, p)
			if err != nil {
				return nil, fmt.Errorf("starting the provider %s: %w", p.Name, err)
			}
			return provider, nil
		}
	}
	if h.stack.options.Offline {
		return nil, fmt.Errorf("provider %s: this operation uses no plugins, and none of its own providers has that name", d.Name)
	}
	return h.Host.Provider(ctx, d, e)
}

func (h *host) start(ctx *plugin.Context, p Provider) (plugin.Provider, error) {
	server, err := p.Serve()
	if err != nil {
		return nil, err
	}
	client := pulumirpc.NewResourceProviderClient(inProcess{server, h.interrupted})
	provider := plugin.NewProviderWithClient(ctx, client, ctx.DisableProviderPreview())
	// These are the fields that plugin.NewProvider sends to a plugin.
	_, err = provider.Handshake(ctx.Request(), plugin.ProviderHandshakeRequest{
		EngineAddress:    h.ServerAddr(),
		ConfigureWithUrn: true, SupportsViews: true, SupportsRefreshBeforeUpdate: true,
		InvokeWithPreview: true, AcceptsByteString: true,
	})
	if err != nil && status.Code(err) != codes.Unimplemented {
		return nil, err
	}
	_, err = client.Attach(ctx.Request(), &pulumirpc.PluginAttach{Address: h.ServerAddr()})
	if err != nil && status.Code(err) != codes.Unimplemented {
		return nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.running = append(h.running, client)
	return provider, nil
}

// SignalCancellation asks all providers to end their calls.
func (h *host) SignalCancellation() error {
	h.mu.Lock()
	running := slices.Clone(h.running)
	h.mu.Unlock()
	for _, client := range running {
		// A provider without Cancel ends with the context of its calls.
		_, _ = client.Cancel(context.Background(), nil)
	}
	h.interrupt()
	return h.Host.SignalCancellation()
}
