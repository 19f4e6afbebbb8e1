// Package offline stands in for a cloud under the real Pulumi engine: it
// takes what the program asks for, holds it against the shape that the cloud's
// own SDK gives it, keeps it, and records it. Nothing leaves this process, so a
// preview of a cloud stack needs no account.
//
// What the SDK does not say is given beside it: which properties make another
// resource when they change, and which get a name when they have none.
package offline

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Schema is what a provider offers.
type Schema struct {
	// Package and Version are the provider's.
	Package, Version string
	// Config is the SDK's ProviderArgs.
	Config any
	// ConfigReplaces are the properties of the configuration whose change makes
	// another provider, and with it another of each of its resources.
	ConfigReplaces []string
	// Resources by their type tokens.
	Resources map[string]Resource
	// Functions by their tokens.
	Functions map[string]Function
}

// Resource is one type of resource.
type Resource struct {
	// Args and State are the SDK's structs: ec2.InstanceArgs, ec2.Instance.
	Args, State any
	// Replaces are the paths of the properties whose change makes another
	// resource: "metadata.name", "rootBlockDevice.encrypted". A list's elements
	// have no index.
	Replaces []string
	// ReplacesIf are such properties, by the name of the property that has to be
	// true for it.
	ReplacesIf map[string]string
	// Named is the property that gets a name of its own when it has none, with
	// dots as in Replaces. A resource whose name the program sets is deleted before
	// it is replaced.
	Named string
	// DeleteFirst reports that a resource is always deleted before it is replaced.
	DeleteFirst bool
}

// Function answers a question to the cloud.
type Function func(args resource.PropertyMap) (resource.PropertyMap, error)

// Operation is what was done to a resource.
type Operation string

// The operations.
const (
	Create Operation = "create"
	Update Operation = "update"
	Delete Operation = "delete"
	Read   Operation = "read"
)

// Event is one operation on one resource.
type Event struct {
	Operation Operation
	// Type is the type token, and Name the logical name in the program.
	Type, Name string
	ID         string
	// Inputs are what the cloud would receive, Outputs what it has.
	Inputs, Outputs resource.PropertyMap
	// Config is the provider's configuration.
	Config resource.PropertyMap
	// Timeout is how long a deletion may be tried, in seconds, or 0.
	Timeout float64
}

func (e Event) String() string { return fmt.Sprintf("%s %s %s", e.Operation, e.Type, e.Name) }

// Effect is what an operation does beyond being recorded. It may set the ID (of
// a created resource) and the Outputs. Its error is the cloud's.
type Effect func(*Event) error

// Provider is an offline provider.
type Provider struct {
	pulumirpc.UnimplementedResourceProviderServer

	schema Schema
	effect Effect
	// fills is whether previews fill in outputs. It is set before the engine runs.
	fills bool

	mu     sync.Mutex
	there  map[string]Event // by key
	events []Event
	config resource.PropertyMap
	made   int
	// automatic reports by URN whether the provider chose the resource's name.
	automatic map[string]bool
	// configured is called with each configuration. Optional.
	configured func(resource.PropertyMap) error
}

// New returns a provider. effect may be nil.
func New(schema Schema, effect Effect) *Provider {
	if effect == nil {
		effect = func(*Event) error { return nil }
	}
	return &Provider{schema: schema, effect: effect, there: map[string]Event{}, automatic: map[string]bool{}}
}

// Answer has another function answer a question than the schema's. Call it
// before the engine is given the provider.
func (p *Provider) Answer(token string, answer Function) *Provider {
	p.schema.Functions[token] = answer
	return p
}

// NumberFrom has the ids of what is created count from n on, for an account that
// several providers create in. Call it before the engine is given the provider.
func (p *Provider) NumberFrom(n int) *Provider {
	p.made = n
	return p
}

// WhenConfigured has f called with each configuration. Its error fails the
// configuration. Call it before the engine is given the provider.
func (p *Provider) WhenConfigured(f func(config resource.PropertyMap) error) *Provider {
	p.configured = f
	return p
}

// Name is the package that the provider provides.
func (p *Provider) Name() string { return p.schema.Package }

// Events are all operations so far but reads, in the order in which they ended.
func (p *Provider) Events() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// There are the resources that exist, in no order: two types may have the same
// ids.
func (p *Provider) There() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.there))
}

// Config is what the provider was last configured with.
func (p *Provider) Config() resource.PropertyMap {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.config
}

// done records an operation that the effect agreed to.
func (p *Provider) done(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
	if e.Operation == Delete {
		delete(p.there, key(e.Type, e.ID))
		return
	}
	p.there[key(e.Type, e.ID)] = e
}

// next numbers what is created.
func (p *Provider) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	return p.made
}

// key is one resource's among all that exist.
func key(kind, id string) string { return kind + "\x00" + id }

// find returns the resource of a type with an id.
func (p *Provider) find(kind, id string) (Event, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.there[key(kind, id)]
	return e, ok
}

// Types are the resource types that the provider knows, by their tokens.
func (p *Provider) Types() map[string]Resource { return maps.Clone(p.schema.Resources) }
