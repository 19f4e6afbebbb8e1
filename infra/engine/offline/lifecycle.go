package offline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/protobuf/types/known/emptypb"
)

// Check checks the inputs against the SDK's types and names an unnamed
// resource.
func (p *Provider) Check(_ context.Context, req *pulumirpc.CheckRequest) (*pulumirpc.CheckResponse, error) {
	kind, err := p.kind(req.GetType())
	if err != nil {
		return nil, err
	}
	olds, news, err := unmarshalBoth(req.GetOlds(), req.GetNews())
	if err != nil {
		return nil, err
	}
	if kind.Named != "" && !hasAt(news, kind.Named) {
		name, had := at(olds, kind.Named)
		if !had {
			name = resource.NewStringProperty(p.generatedName(req.GetName(), req.GetRandomSeed(), news))
		}
		setAt(news, kind.Named, name)
		p.autoName(req.GetUrn(), true)
	} else {
		p.autoName(req.GetUrn(), false)
	}
	inputs, err := marshal(news)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.CheckResponse{Inputs: inputs, Failures: checkShape(kind.Args, news)}, nil
}

// seed returns a short number from the bytes that the engine draws for each new
// resource.
func seed(b []byte) uint32 {
	var n uint32
	for _, one := range b {
		n = n*31 + uint32(one)
	}
	return n & 0xfffffff
}

// Diff compares inputs only. Values that the cloud sets are ignored.
func (p *Provider) Diff(_ context.Context, req *pulumirpc.DiffRequest) (*pulumirpc.DiffResponse, error) {
	kind, err := p.kind(req.GetType())
	if err != nil {
		return nil, err
	}
	olds, news, err := unmarshalBoth(req.GetOldInputs(), req.GetNews())
	if err != nil {
		return nil, err
	}
	resp := &pulumirpc.DiffResponse{
		Changes: pulumirpc.DiffResponse_DIFF_NONE, HasDetailedDiff: true, DetailedDiff: map[string]*pulumirpc.PropertyDiff{},
	}
	for _, path := range changedPaths(olds, news) {
		property := withoutIndices(path)
		if slices.ContainsFunc(req.GetIgnoreChanges(), func(ignored string) bool { return property == ignored || strings.HasPrefix(property, ignored+".") }) {
			continue
		}
		resp.Changes = pulumirpc.DiffResponse_DIFF_SOME
		replaces := kind.replacedBy(property, olds, news)
		resp.DetailedDiff[path] = detail(replaces)
		name, _, _ := strings.Cut(property, ".")
		resp.Diffs = appendNew(resp.Diffs, name)
		if replaces {
			resp.Replaces = appendNew(resp.Replaces, name)
		}
	}
	resp.DeleteBeforeReplace = len(resp.Replaces) > 0 && (kind.DeleteFirst || p.userNamed(req.GetUrn(), kind, olds, news))
	return resp, nil
}

func appendNew(names []string, name string) []string {
	if slices.Contains(names, name) {
		return names
	}
	return append(names, name)
}

// replacedBy reports whether a change at a path of the schema replaces the
// resource.
func (r Resource) replacedBy(path string, olds, news resource.PropertyMap) bool {
	if slices.ContainsFunc(r.Replaces, func(property string) bool { return within(path, property) }) {
		return true
	}
	holds, ok := r.ReplacesIf[path]
	return ok && holds(olds, news)
}

// autoName records whether the provider chose a resource's name.
func (p *Provider) autoName(urn string, automatic bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.automatic[urn] = automatic
}

// userNamed reports whether the program sets a resource's name property.
// Bridged providers delete such a resource before they replace it, since both
// would have the same name (nameRequiresDeleteBeforeReplace in
// pulumi-terraform-bridge). pulumi-kubernetes, whose names are in metadata,
// does so if name and namespace stay the same.
func (p *Provider) userNamed(urn string, kind Resource, olds, news resource.PropertyMap) bool {
	if strings.Contains(kind.Named, ".") {
		parent := kind.Named[:strings.LastIndex(kind.Named, ".")+1]
		for _, property := range []string{kind.Named, parent + "namespace"} {
			before, _ := at(olds, property)
			after, _ := at(news, property)
			if !open(before).DeepEquals(open(after)) {
				return false
			}
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	automatic, checked := p.automatic[urn]
	return kind.Named != "" && checked && !automatic
}

// Create stores a resource and sets the outputs that a cloud would.
func (p *Provider) Create(_ context.Context, req *pulumirpc.CreateRequest) (*pulumirpc.CreateResponse, error) {
	kind, err := p.kind(req.GetType())
	if err != nil {
		return nil, err
	}
	inputs, err := unmarshal(req.GetProperties())
	if err != nil {
		return nil, err
	}
	if req.GetPreview() && p.fills {
		return p.filled(kind, req, inputs)
	}
	if req.GetPreview() {
		outputs, err := marshal(previewOutputs(kind.State, inputs))
		return &pulumirpc.CreateResponse{Properties: outputs}, err
	}
	n := p.next()
	e := Event{
		Operation: Create, Type: req.GetType(), Name: req.GetName(),
		ID:     fmt.Sprintf("%s-%d", shortType(req.GetType()), n),
		Inputs: inputs, Config: p.Config(),
	}
	e.Outputs = createdOutputs(kind.State, inputs, fmt.Sprintf("%s-%d", shortType(req.GetType()), n), n)
	if err := p.effect(&e); err != nil {
		return nil, fmt.Errorf("creating %s: %w", e.Name, err)
	}
	p.done(e)
	outputs, err := marshal(e.Outputs)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.CreateResponse{Id: e.ID, Properties: outputs}, nil
}

// Update changes a resource in place.
func (p *Provider) Update(_ context.Context, req *pulumirpc.UpdateRequest) (*pulumirpc.UpdateResponse, error) {
	olds, news, err := unmarshalBoth(req.GetOlds(), req.GetNews())
	if err != nil {
		return nil, err
	}
	oldInputs, err := unmarshal(req.GetOldInputs())
	if err != nil {
		return nil, err
	}
	for key := range oldInputs {
		delete(olds, key)
	}
	for key, value := range news {
		olds[key] = value
	}
	if !req.GetPreview() {
		if _, exists := p.find(req.GetType(), req.GetId()); !exists {
			return nil, fmt.Errorf("updating %s: there is no %s", req.GetName(), req.GetId())
		}
		e := Event{Operation: Update, Type: req.GetType(), Name: req.GetName(), ID: req.GetId(), Inputs: news, Outputs: olds, Config: p.Config()}
		if err := p.effect(&e); err != nil {
			return nil, fmt.Errorf("updating %s: %w", e.Name, err)
		}
		p.done(e)
		olds = e.Outputs
	}
	outputs, err := marshal(olds)
	return &pulumirpc.UpdateResponse{Properties: outputs}, err
}

// Delete removes a resource.
func (p *Provider) Delete(_ context.Context, req *pulumirpc.DeleteRequest) (*emptypb.Empty, error) {
	e, exists := p.find(req.GetType(), req.GetId())
	if !exists {
		return nil, fmt.Errorf("deleting %s: there is no %s", req.GetName(), req.GetId())
	}
	e.Operation, e.Timeout = Delete, req.GetTimeout()
	if err := p.effect(&e); err != nil {
		return nil, fmt.Errorf("deleting %s: %w", e.Name, err)
	}
	p.done(e)
	return &emptypb.Empty{}, nil
}

// Read returns the current resource.
func (p *Provider) Read(_ context.Context, req *pulumirpc.ReadRequest) (*pulumirpc.ReadResponse, error) {
	e, exists := p.find(req.GetType(), req.GetId())
	if !exists {
		return &pulumirpc.ReadResponse{}, nil
	}
	// An effect changes the result of the read, not the stored resource.
	e.Operation, e.Inputs, e.Outputs = Read, e.Inputs.Copy(), e.Outputs.Copy()
	if err := p.effect(&e); err != nil {
		return nil, fmt.Errorf("reading %s: %w", e.Name, err)
	}
	if e.Deleted {
		p.remove(e)
		return &pulumirpc.ReadResponse{}, nil
	}
	outputs, err := marshal(e.Outputs)
	if err != nil {
		return nil, err
	}
	inputs, err := marshal(e.Inputs)
	return &pulumirpc.ReadResponse{Id: e.ID, Properties: outputs, Inputs: inputs}, err
}

// kind returns a resource type of the schema.
func (p *Provider) kind(token string) (Resource, error) {
	kind, ok := p.schema.Resources[token]
	if !ok {
		return Resource{}, fmt.Errorf("the offline provider %s has no resource type %s: add it to its schema", p.schema.Package, token)
	}
	return kind, nil
}

// shortType returns "Instance" for "aws:ec2/instance:Instance".
func shortType(token string) string { return token[strings.LastIndex(token, ":")+1:] }
