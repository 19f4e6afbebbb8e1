package offline

import (
	"context"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Recorder records the calls of a provider: the resources that a preview would
// create, with their secret marks, and the functions that the program called.
type Recorder struct {
	pulumirpc.ResourceProviderServer

	mu    sync.Mutex
	wants []Wanted
	calls []Question
}

// Wanted is a resource that a preview would create.
type Wanted struct {
	URN, Type, Name string
	ID              string
	// Inputs and Outputs keep the marks of secret and unknown values.
	Inputs, Outputs resource.PropertyMap
}

// Question is a function call of the program, with the provider's answer.
type Question struct {
	Token        string
	Args, Answer resource.PropertyMap
}

// Watch returns the provider with its calls recorded.
func Watch(provider pulumirpc.ResourceProviderServer) *Recorder {
	return &Recorder{ResourceProviderServer: provider}
}

// Create records the resource.
func (w *Recorder) Create(ctx context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	resp, err := w.ResourceProviderServer.Create(ctx, req)
	if err != nil {
		return resp, err
	}
	inputs, err := unmarshal(req.GetProperties())
	if err != nil {
		return nil, err
	}
	outputs, err := unmarshal(resp.GetProperties())
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.wants = append(w.wants, Wanted{
		URN: req.GetUrn(), Type: req.GetType(), Name: req.GetName(), ID: resp.GetId(), Inputs: inputs, Outputs: outputs,
	})
	return resp, nil
}

// Invoke records the function call and its answer.
func (w *Recorder) Invoke(ctx context.Context, req *pulumirpc.InvokeRequest) (*pulumirpc.InvokeResponse, error) {
	resp, err := w.ResourceProviderServer.Invoke(ctx, req)
	if err != nil {
		return resp, err
	}
	args, err := unmarshal(req.GetArgs())
	if err != nil {
		return nil, err
	}
	answer, err := unmarshal(resp.GetReturn())
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.calls = append(w.calls, Question{Token: req.GetTok(), Args: args, Answer: answer})
	return resp, nil
}

// Wanted returns the resources so far.
func (w *Recorder) Wanted() []Wanted {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Wanted(nil), w.wants...)
}

// Calls returns the function calls so far.
func (w *Recorder) Calls() []Question {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Question(nil), w.calls...)
}

// ReplacedBy returns the inputs of a resource whose change replaces it. It asks
// the provider itself about a change of each input.
func (w *Recorder) ReplacedBy(ctx context.Context, one Wanted) ([]string, error) {
	olds, err := marshal(one.Inputs)
	if err != nil {
		return nil, err
	}
	state, err := marshal(one.Outputs)
	if err != nil {
		return nil, err
	}
	var replaces []string
	for _, key := range sorted(one.Inputs) {
		other, ok := another(one.Inputs[resource.PropertyKey(key)])
		if !ok {
			continue
		}
		changed := one.Inputs.Copy()
		changed[resource.PropertyKey(key)] = other
		news, err := marshal(changed)
		if err != nil {
			return nil, err
		}
		resp, err := w.Diff(ctx, &pulumirpc.DiffRequest{
			Id: one.ID, Urn: one.URN, Type: one.Type, Name: one.Name, OldInputs: olds, Olds: state, News: news,
		})
		if err != nil {
			return nil, err
		}
		if len(resp.GetReplaces()) > 0 {
			replaces = append(replaces, key)
		}
	}
	return replaces, nil
}

// another returns a different value of the same type.
func another(v resource.PropertyValue) (resource.PropertyValue, bool) {
	v = plain(v)
	switch {
	case v.IsString():
		return resource.NewStringProperty(v.StringValue() + "~"), true
	case v.IsNumber():
		return resource.NewNumberProperty(v.NumberValue() + 1), true
	case v.IsBool():
		return resource.NewBoolProperty(!v.BoolValue()), true
	case v.IsArray():
		return resource.NewArrayProperty(append([]resource.PropertyValue{resource.NewStringProperty("~")}, v.ArrayValue()...)), true
	case v.IsObject():
		object := v.ObjectValue().Copy()
		object["~"] = resource.NewStringProperty("~")
		return resource.NewObjectProperty(object), true
	default:
		return v, false
	}
}
