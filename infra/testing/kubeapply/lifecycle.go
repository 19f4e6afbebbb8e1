package kubeapply

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil/rpcerror"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/structpb"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Create applies an object that must not exist yet, and waits until it is
// ready.
func (p *Provider) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	c, err := p.connected()
	if err != nil {
		return nil, err
	}
	inputs, err := unmarshal(req.GetProperties())
	if err != nil {
		return nil, err
	}
	if req.GetPreview() {
		// The server's defaults are unknown, as they are to pulumi-kubernetes
		// if the namespace does not exist yet.
		return &pulumirpc.CreateResponse{Properties: req.GetProperties()}, nil
	}
	asked, known := object(inputs)
	if !known {
		return nil, fmt.Errorf("creating %s: some of it is not known", describe(asked))
	}
	if _, err := c.get(ctx, asked); err == nil {
		return nil, fmt.Errorf("creating %s: it is there already", describe(asked))
	} else if !apierrors.IsNotFound(err) {
		return nil, fmt.Errorf("creating %s: %w", describe(asked), err)
	}
	made, err := c.apply(ctx, asked, false)
	if err != nil {
		return nil, fmt.Errorf("creating %s: %w", describe(asked), err)
	}
	made, notReady := c.awaitReady(ctx, made, timeout(asked, req.GetTimeout()))
	props, err := marshal(state(made, inputs))
	if err != nil {
		return nil, err
	}
	if notReady != nil {
		return nil, halfway(identity(made), props, req.GetProperties(), fmt.Errorf("creating %s: %w", describe(made), notReady))
	}
	return &pulumirpc.CreateResponse{Id: identity(made), Properties: props}, nil
}

// Update applies an object again and waits until it is ready.
func (p *Provider) Update(ctx context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	c, err := p.connected()
	if err != nil {
		return nil, err
	}
	inputs, err := unmarshal(req.GetNews())
	if err != nil {
		return nil, err
	}
	asked, known := object(inputs)
	if !known {
		if req.GetPreview() {
			return &pulumirpc.UpdateResponse{Properties: req.GetNews()}, nil
		}
		return nil, fmt.Errorf("updating %s: some of it is not known", describe(asked))
	}
	live, err := c.get(ctx, asked)
	if err != nil {
		return nil, fmt.Errorf("updating %s: %w", describe(asked), err)
	}
	if err := ignore(asked, live, req.GetIgnoreChanges()); err != nil {
		return nil, fmt.Errorf("updating %s: %w", describe(asked), err)
	}
	changed, err := c.apply(ctx, asked, req.GetPreview())
	if err != nil {
		return nil, fmt.Errorf("updating %s: %w", describe(asked), err)
	}
	var notReady error
	if !req.GetPreview() {
		changed, notReady = c.awaitReady(ctx, changed, timeout(asked, req.GetTimeout()))
	}
	props, err := marshal(state(changed, inputs))
	if err != nil {
		return nil, err
	}
	if notReady != nil {
		return nil, halfway(req.GetId(), props, req.GetNews(), fmt.Errorf("updating %s: %w", describe(changed), notReady))
	}
	return &pulumirpc.UpdateResponse{Properties: props}, nil
}

// Read returns the current object. If the provider would wait for it and it is
// not ready, Read reports this.
func (p *Provider) Read(ctx context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	c, err := p.connected()
	if err != nil {
		return nil, err
	}
	inputs, err := unmarshal(req.GetInputs())
	if err != nil {
		return nil, err
	}
	asked, _ := object(inputs)
	if asked.GetKind() == "" {
		return nil, fmt.Errorf("reading %s: the applying provider reads only what it has made", req.GetId())
	}
	namespace, name := split(req.GetId())
	asked.SetNamespace(namespace)
	asked.SetName(name)
	live, err := c.get(ctx, asked)
	if apierrors.IsNotFound(err) {
		return &pulumirpc.ReadResponse{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", describe(asked), err)
	}
	props, err := marshal(state(live, inputs))
	if err != nil {
		return nil, err
	}
	now, err := marshal(keptInputs(live, inputs))
	if err != nil {
		return nil, err
	}
	if awaited(live) {
		if missing, err := c.missing(ctx, live); err != nil {
			return nil, fmt.Errorf("reading %s: %w", describe(live), err)
		} else if missing != "" {
			return nil, halfway(req.GetId(), props, now, fmt.Errorf("reading %s: %s", describe(live), missing))
		}
	}
	return &pulumirpc.ReadResponse{Id: req.GetId(), Properties: props, Inputs: now}, nil
}

// Delete deletes an object and waits until it and all objects that it owns are
// gone.
func (p *Provider) Delete(ctx context.Context, req *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	c, err := p.connected()
	if err != nil {
		return nil, err
	}
	props, err := unmarshal(req.GetProperties())
	if err != nil {
		return nil, err
	}
	there, _ := object(props)
	collection, err := c.of(ctx, there)
	if err != nil {
		return nil, fmt.Errorf("deleting %s: %w", describe(there), err)
	}
	propagation := metav1.DeletePropagationForeground
	err = collection.Delete(ctx, there.GetName(), metav1.DeleteOptions{PropagationPolicy: &propagation})
	if apierrors.IsNotFound(err) {
		return &emptypb.Empty{}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("deleting %s: %w", describe(there), err)
	}
	if err := c.awaitGone(ctx, there, timeout(there, req.GetTimeout())); err != nil {
		return nil, fmt.Errorf("deleting %s: %w", describe(there), err)
	}
	return &emptypb.Empty{}, nil
}

// identity returns an object's id: "namespace/name" or "name".
func identity(o *unstructured.Unstructured) string {
	if o.GetNamespace() == "" {
		return o.GetName()
	}
	return o.GetNamespace() + "/" + o.GetName()
}

func split(id string) (namespace, name string) {
	if namespace, name, ok := strings.Cut(id, "/"); ok {
		return namespace, name
	}
	return "", id
}

// usualTimeout is the default of pulumi-kubernetes.
const usualTimeout = 10 * time.Minute

// timeout returns the time that an object has to become ready, from the
// resource's options or the object's annotation.
func timeout(o *unstructured.Unstructured, seconds float64) time.Duration {
	if seconds > 0 {
		return time.Duration(seconds * float64(time.Second))
	}
	if said, err := time.ParseDuration(o.GetAnnotations()["pulumi.com/timeoutSeconds"] + "s"); err == nil && said > 0 {
		return said
	}
	return usualTimeout
}

// halfway returns the error for an object that exists but is not ready. The
// engine keeps such an object and updates it in the next run, changed or not.
func halfway(id string, props, inputs *structpb.Struct, reason error) error {
	return rpcerror.WithDetails(rpcerror.New(codes.Unknown, reason.Error()), &pulumirpc.ErrorResourceInitFailed{
		Id: id, Properties: props, Inputs: inputs, Reasons: []string{reason.Error()},
	})
}
