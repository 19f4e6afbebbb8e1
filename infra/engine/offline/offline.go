// Package offline replaces a cloud under the real Pulumi engine. It checks the
// program's requests against the types of the cloud's own SDK, stores the
// resources, and records the operations. Nothing leaves this process, so a
// preview of a cloud stack needs no account.
//
// Schema adds the facts that the SDK lacks: which properties replace a resource
// when they change, and which properties get a generated name.
package offline

import (
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Schema describes a provider.
type Schema struct {
	// Package and Version are those of the real provider.
	Package, Version string
	// Config is the SDK's ProviderArgs.
	Config any
	// ConfigReplaces are the properties of the configuration whose change
	// replaces the provider, and with it all of its resources.
	ConfigReplaces []string
	// Resources maps type tokens to types.
	Resources map[string]Resource
	// Functions maps tokens to functions.
	Functions map[string]Function
}

// Resource describes one resource type.
type Resource struct {
	// Args and State are the SDK's structs: ec2.InstanceArgs, ec2.Instance.
	Args, State any
	// Replaces are the paths of the properties whose change replaces the
	// resource: "metadata.name", "rootBlockDevice.encrypted". Elements of a
	// list have no index.
	Replaces []string
	// ReplacesIf maps the paths of further such properties to what must hold for
	// a replacement.
	ReplacesIf map[string]Condition
	// Named is the path of the property that gets a generated name when it is
	// unset, with dots as in Replaces. A resource whose name the program sets
	// is deleted before it is replaced.
	Named string
	// DeleteFirst means that a resource is always deleted before it is replaced.
	DeleteFirst bool
}

// Condition reports whether a change of a resource's inputs replaces it.
type Condition func(olds, news resource.PropertyMap) bool

// WhenTrue returns a condition that holds if a property of the new inputs is true.
func WhenTrue(property string) Condition {
	return func(_, news resource.PropertyMap) bool {
		value := plain(news[resource.PropertyKey(property)])
		return value.IsBool() && value.BoolValue()
	}
}

// Function answers a function call to the cloud.
type Function func(args resource.PropertyMap) (resource.PropertyMap, error)

// Operation is the kind of an Event.
type Operation string

// These are the operations.
const (
	Create Operation = "create"
	Update Operation = "update"
	Delete Operation = "delete"
	Read   Operation = "read"
)

// Event is one operation on one resource.
type Event struct {
	Operation Operation
	// Type is the type token. Name is the logical name in the program.
	Type, Name string
	ID         string
	// Inputs are what the cloud would receive. Outputs are the properties that
	// the cloud has.
	Inputs, Outputs resource.PropertyMap
	// Config is the provider's configuration.
	Config resource.PropertyMap
	// Timeout is the time limit for a deletion, in seconds, or 0.
	Timeout float64
	// Deleted is set by the effect of a Read if the cloud no longer has the resource.
	Deleted bool
}

func (e Event) String() string { return fmt.Sprintf("%s %s %s", e.Operation, e.Type, e.Name) }

// Effect is an additional effect of an operation. It may set the ID (of a
// created resource) and the Outputs. Its error is returned as the cloud's.
type Effect func(*Event) error

// Provider is an offline provider.
type Provider struct {
	pulumirpc.UnimplementedResourceProviderServer

	schema Schema
	effect Effect
	// fills means that previews fill in outputs. It is set before the engine runs.
	fills bool

	mu        sync.Mutex
	resources map[string]Event // by key
	events    []Event
	config    resource.PropertyMap
	created   int
	// automatic records by URN whether the provider chose the resource's name.
	automatic map[string]bool
	// configured is called with each configuration. Optional.
	configured func(resource.PropertyMap) error
}

// New returns a provider. effect may be nil.
func New(schema Schema, effect Effect) *Provider {
	if effect == nil {
		effect = func(*Event) error { return nil }
	}
	return &Provider{schema: schema, effect: effect, resources: map[string]Event{}, automatic: map[string]bool{}}
}

// Answer replaces the schema's function for a token. It must be called before the
// engine uses the provider. It returns the provider.
func (p *Provider) Answer(token string, answer Function) *Provider {
	p.schema.Functions[token] = answer
	return p
}

// NumberFrom makes the ids of created resources count from n, for an account
// that several providers create resources in. It must be called before the
// engine uses the provider.
func (p *Provider) NumberFrom(n int) *Provider {
	p.created = n
	return p
}

// WhenConfigured sets a function that is called with each configuration. Its
// error fails the configuration. It must be called before the engine uses the
// provider.
func (p *Provider) WhenConfigured(f func(config resource.PropertyMap) error) *Provider {
	p.configured = f
	return p
}

func (p *Provider) Name() string { return p.schema.Package }

// Events returns all operations so far except reads, in the order in which they
// ended.
func (p *Provider) Events() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.events)
}

// Existing returns the existing resources, in no order. Resources of two types may
// have the same id.
func (p *Provider) Existing() []Event {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Collect(maps.Values(p.resources))
}

// Config returns the provider's last configuration.
func (p *Provider) Config() resource.PropertyMap {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.config
}

// done records an operation after its effect succeeded.
func (p *Provider) done(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, e)
	if e.Operation == Delete {
		delete(p.resources, key(e.Type, e.ID))
		return
	}
	p.resources[key(e.Type, e.ID)] = e
}

// next returns the number of the next created resource.
func (p *Provider) next() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.created++
	return p.created
}

// key returns the key of a resource among all that exist.
func key(kind, id string) string { return kind + "\x00" + id }

// find returns the resource of a type with an id.
func (p *Provider) find(kind, id string) (Event, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	e, ok := p.resources[key(kind, id)]
	return e, ok
}

// remove removes a resource that the cloud no longer has.
func (p *Provider) remove(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.resources, key(e.Type, e.ID))
}

// Types returns the provider's resource types, by their tokens.
func (p *Provider) Types() map[string]Resource { return maps.Clone(p.schema.Resources) }
