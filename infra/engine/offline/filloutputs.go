package offline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// Placeholder is part of every value that a preview makes up.
const Placeholder = "made-up"

// FillOutputs makes previews return outputs as if the resources existed: an id,
// and values for what the cloud sets. The values are recognizable as made up
// and are the same each time. A preview then also shows values that are
// computed from them, above all a machine's user-data, which is otherwise
// unknown until its bucket exists. It must be called before the engine uses the
// provider. It returns the provider.
func (p *Provider) FillOutputs() *Provider {
	p.fills = true
	return p
}

// filled is Create for a preview that fills in outputs. It stores nothing.
func (p *Provider) filled(kind Resource, req *pulumirpc.CreateRequest, inputs resource.PropertyMap) (*pulumirpc.CreateResponse, error) {
	id := fmt.Sprintf("%s-%s", Placeholder, req.GetName())
	e := Event{
		Operation: Create, Type: req.GetType(), Name: req.GetName(), ID: id, Inputs: inputs, Config: p.Config(),
		Outputs: createdOutputs(kind.State, inputs, id, 1),
	}
	if err := p.effect(&e); err != nil {
		return nil, fmt.Errorf("creating %s: %w", e.Name, err)
	}
	outputs, err := marshal(e.Outputs)
	if err != nil {
		return nil, err
	}
	return &pulumirpc.CreateResponse{Id: e.ID, Properties: outputs}, nil
}

// generatedName returns a name for an unnamed resource. The engine draws another
// seed each time, which must not change a plan. In a plan, a nested name (of an
// object in a cluster) is derived from the object's content, so another content
// leads to another name.
func (p *Provider) generatedName(name string, random []byte, inputs resource.PropertyMap) string {
	if !p.fills {
		return fmt.Sprintf("%s-%07x", name, seed(random))
	}
	if _, object := inputs["metadata"]; !object {
		return name + "-" + Placeholder
	}
	content := resource.PropertyMap{}
	for key, value := range inputs {
		// A name must not allow guessing a secret.
		if !value.ContainsSecrets() {
			content[key] = value
		}
	}
	// Go prints maps sorted by key.
	sum := sha256.Sum256([]byte(fmt.Sprint(Plain(content))))
	return name + "-" + hex.EncodeToString(sum[:4])
}
