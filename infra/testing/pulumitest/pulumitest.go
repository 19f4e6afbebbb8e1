// Package pulumitest runs a target's Deploy under Pulumi's mocks and records
// the registered resources. It uses no engine, so it is fast, but lacks
// everything that an engine adds.
package pulumitest

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
	"escala/infra/engine/offline"
	"escala/infra/workspace"
)

// Registered is a registered resource.
type Registered struct {
	Type, Name string
	// Inputs holds the inputs with secrets in plain text.
	Inputs map[string]any
	// Secret holds the names of the inputs that contain a secret.
	Secret map[string]bool
	// Parent is the URN of the parent and Provider that of the provider. Both
	// may be empty.
	Parent, Provider string
	// Ordered reports whether the program sets DeleteBeforeReplace.
	Ordered bool
}

// Mocks records registrations and provides ids, outputs and function results.
type Mocks struct {
	// ID returns the id of a resource. Default: its name and "-id".
	ID func(kind, name string) string
	// Outputs returns additional outputs of a resource. Optional.
	Outputs func(kind, name string) map[string]any
	// Functions holds the functions that answer calls, by token.
	Functions map[string]func(args map[string]any) (map[string]any, error)

	mu        sync.Mutex
	resources []Registered
}

// NewResource records a resource and returns its id and outputs.
func (m *Mocks) NewResource(args pulumi.MockResourceArgs) (string, resource.PropertyMap, error) {
	r := Registered{
		Type: args.TypeToken, Name: args.Name,
		Inputs: offline.Plain(args.Inputs),
		Secret: map[string]bool{},
	}
	for key, value := range args.Inputs {
		r.Secret[string(key)] = value.ContainsSecrets()
	}
	if rpc := args.RegisterRPC; rpc != nil {
		r.Parent, r.Provider = rpc.GetParent(), rpc.GetProvider()
		r.Ordered = rpc.GetDeleteBeforeReplaceDefined()
	}
	m.mu.Lock()
	m.resources = append(m.resources, r)
	m.mu.Unlock()
	outputs := args.Inputs.Copy()
	nameObject(args, outputs)
	if m.Outputs != nil {
		for key, value := range m.Outputs(args.TypeToken, args.Name) {
			outputs[resource.PropertyKey(key)] = resource.NewPropertyValue(value)
		}
	}
	if m.ID != nil {
		return m.ID(args.TypeToken, args.Name), outputs, nil
	}
	return args.Name + "-id", outputs, nil
}

// Call answers a function call by its token.
func (m *Mocks) Call(args pulumi.MockCallArgs) (resource.PropertyMap, error) {
	answer, ok := m.Functions[args.Token]
	if !ok {
		return nil, fmt.Errorf("the mocks have no function %s", args.Token)
	}
	out, err := answer(offline.Plain(args.Args))
	if err != nil {
		return nil, err
	}
	return resource.NewPropertyMapFromMap(out), nil
}

// Resources returns all registered resources in order.
func (m *Mocks) Resources() []Registered {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Registered(nil), m.resources...)
}

// OfType returns the registered resources of one type, sorted by name: the SDK
// registers resources concurrently.
func (m *Mocks) OfType(kind string) []Registered {
	of := slices.DeleteFunc(m.Resources(), func(r Registered) bool { return r.Type != kind })
	slices.SortStableFunc(of, func(a, b Registered) int { return strings.Compare(a.Name, b.Name) })
	return of
}

// Only returns the only registered resource of a type.
func (m *Mocks) Only(t testing.TB, kind string) Registered {
	t.Helper()
	of := m.OfType(kind)
	if len(of) != 1 {
		t.Fatalf("%d resources of type %s, not one", len(of), kind)
	}
	return of[0]
}

// Preview deploys a target in preview mode, in which no gate waits.
func (m *Mocks) Preview(t deploy.Target, r deploy.Request) error {
	return pulumi.RunErr(func(ctx *pulumi.Context) error {
		component, err := deploy.NewComponent(ctx, t.Section(), r)
		if err != nil {
			return err
		}
		endpoint, err := t.Deploy(component)
		if err != nil {
			return err
		}
		return component.Complete(endpoint)
	}, pulumi.WithMocks(workspace.Project, r.Stack, m), func(info *pulumi.RunInfo) { info.DryRun = true })
}

// nameObject names an unnamed Kubernetes object, as its provider does.
func nameObject(args pulumi.MockResourceArgs, outputs resource.PropertyMap) {
	meta := args.Inputs["metadata"]
	if !meta.IsObject() || meta.ObjectValue().HasValue("name") {
		return
	}
	named := meta.ObjectValue().Copy()
	named["name"] = resource.NewStringProperty(args.Name + "-1a2b3c4d")
	outputs["metadata"] = resource.NewObjectProperty(named)
}
