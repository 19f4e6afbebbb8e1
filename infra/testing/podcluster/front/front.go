package front

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/dynamic"

	"escala/infra/testing/kube"
)

// Options configures a front.
type Options struct {
	// Client is the API client of an administrator.
	Client dynamic.Interface
	// Address is the ingress controller's address, which the Ingresses get. The
	// controller listens on port 80 there.
	Address netip.Addr
	// DNS is the address of the name server.
	DNS netip.Addr
	// Lag is the delay with which the ingress controller learns of pods, after the
	// API server.
	Lag time.Duration
}

// Front forwards requests to pods. Make it with New.
type Front struct {
	options Options
	// proxied holds the endpoints that kube-proxy knows, routed those that the
	// ingress controller knows.
	proxied, routed *endpoints
	retry           atomic.Bool

	mu        sync.Mutex
	services  map[string]kube.Service // by namespace/name
	ingresses map[string]kube.Ingress
	listeners map[string]net.Listener // by address
	running   sync.WaitGroup
}

// New returns a front that does not run yet.
func New(o Options) *Front {
	return &Front{
		options: o,
		proxied: &endpoints{slices: map[string]kube.EndpointSlice{}},
		routed:  &endpoints{slices: map[string]kube.EndpointSlice{}, lag: o.Lag},

		services: map[string]kube.Service{}, ingresses: map[string]kube.Ingress{}, listeners: map[string]net.Listener{},
	}
}

// Retry sets whether a request whose connection a pod refuses goes to another pod.
func (f *Front) Retry(on bool) { f.retry.Store(on) }

// Run serves until ctx ends.
func (f *Front) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	follow := func(do func()) {
		group.Go(func() error {
			do()
			return nil
		})
	}
	follow(func() { f.proxied.follow(ctx, f.options.Client) })
	follow(func() { f.routed.follow(ctx, f.options.Client) })
	follow(func() { kube.Follow(ctx, f.options.Client, kube.Services, func(c kube.Change) { f.service(ctx, c) }) })
	follow(func() { kube.Follow(ctx, f.options.Client, kube.Ingresses, func(c kube.Change) { f.ingress(ctx, c) }) })
	group.Go(func() error { return f.serveIngress(ctx) })
	group.Go(func() error { return f.serveNames(ctx) })
	err := group.Wait()
	f.mu.Lock()
	for _, l := range f.listeners {
		err = errors.Join(err, l.Close())
	}
	f.mu.Unlock()
	f.running.Wait()
	if err != nil {
		return fmt.Errorf("bringing requests to pods: %w", err)
	}
	return nil
}
