package engine

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"

	p "github.com/pulumi/pulumi-go-provider"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Attached are providers that run in this process. The engine is told where
// (PULUMI_DEBUG_PROVIDERS), so that no plugin has to be installed.
type Attached struct {
	server []*grpc.Server
	where  []string
}

// maxMessage is how large a message of the engine's may be: as large as the
// engine itself allows.
const maxMessage = 400 << 20

// AttachProvider serves a provider written with pulumi-go-provider.
func (a *Attached) AttachProvider(ctx context.Context, name, version string, provider p.Provider) error {
	server, err := p.RawServer(name, version, provider)(nil)
	if err != nil {
		return fmt.Errorf("making the %s provider: %w", name, err)
	}
	return a.Attach(ctx, name, server)
}

// Attach serves a provider on loopback until Close.
func (a *Attached) Attach(ctx context.Context, name string, provider pulumirpc.ResourceProviderServer) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("listening for the engine: %w", err)
	}
	// What the provider is doing ends when ctx does.
	interrupt := func(call context.Context, req any, _ *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
		call, cancel := context.WithCancel(call)
		defer cancel()
		defer context.AfterFunc(ctx, cancel)()
		return handle(call, req)
	}
	server := grpc.NewServer(grpc.MaxRecvMsgSize(maxMessage), grpc.UnaryInterceptor(interrupt))
	pulumirpc.RegisterResourceProviderServer(server, attached{provider})
	a.server = append(a.server, server)
	a.where = append(a.where, name+":"+strconv.Itoa(l.Addr().(*net.TCPAddr).Port))
	go func() {
		// Serve ends when Close stops the server.
		_ = server.Serve(l)
	}()
	return nil
}

// environment is what the engine's process needs to find the providers.
func (a *Attached) environment() string { return strings.Join(a.where, ",") }

// Close ends all providers.
func (a *Attached) Close() {
	for _, s := range a.server {
		s.Stop()
	}
}

// attached is a provider that outlives the engine's use of it.
type attached struct {
	pulumirpc.ResourceProviderServer
}

// Cancel is what the engine says to a plugin that it is done with, at the end
// of a preview for instance. This process serves the next engine with the same
// provider, which after a real Cancel would refuse everything.
func (attached) Cancel(context.Context, *emptypb.Empty) (*emptypb.Empty, error) {
	return &emptypb.Empty{}, nil
}
