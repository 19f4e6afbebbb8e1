package engine

import (
	"context"
	"strings"

	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

// inProcess is a gRPC client connection that calls a provider's methods without
// a network. It copies requests and answers, as a network does.
type inProcess struct {
	server pulumirpc.ResourceProviderServer
	// interrupted ends all calls when it is done.
	interrupted context.Context //nolint:containedctx // it is the connection's
}

var _ grpc.ClientConnInterface = inProcess{}

func (c inProcess) Invoke(ctx context.Context, method string, args, reply any, _ ...grpc.CallOption) error {
	name := method[strings.LastIndex(method, "/")+1:]
	for _, m := range pulumirpc.ResourceProvider_ServiceDesc.Methods {
		if m.MethodName != name {
			continue
		}
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(c.interrupted, cancel)()
		answer, err := m.Handler(c.server, ctx, func(request any) error {
			copyMessage(request, args)
			return nil
		}, nil)
		if err != nil {
			return statusError(err)
		}
		copyMessage(reply, answer)
		return nil
	}
	return status.Errorf(codes.Unimplemented, "an in-process provider has no method %s", method)
}

// NewStream refuses streams. The only one is List, which finds resources to
// import.
func (inProcess) NewStream(_ context.Context, d *grpc.StreamDesc, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, status.Errorf(codes.Unimplemented, "an in-process provider has no stream %s", d.StreamName)
}

func copyMessage(to, from any) {
	source, ok := from.(proto.Message)
	if !ok || !source.ProtoReflect().IsValid() {
		return
	}
	if target, ok := to.(proto.Message); ok {
		proto.Merge(target, source)
	}
}

// statusError returns the error that a gRPC client would receive.
func statusError(err error) error {
	if s, ok := status.FromError(err); ok {
		return s.Err()
	}
	return status.FromContextError(err).Err()
}
