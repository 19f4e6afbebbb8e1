package offline

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
)

// MadeUp is in every value that a preview made up.
const MadeUp = "made-up"

// FillOutputs makes previews answer as if the resources existed: with an id, and
// with values for what the cloud fills in. The values are recognizable as made up
// and the same each time. A preview then shows also what is computed from them,
// above all a machine's user-data, which is otherwise unknown until its bucket
// exists. Call it before the engine uses the provider. It returns the provider.
func (p *Provider) FillOutputs() *Provider {
	p.fills = true
	return p
}

// filled is Create in a preview that fills in outputs. Nothing is kept.
func (p *Provider) filled(kind Resource, req *pulumirpc.CreateRequest, inputs resource.PropertyMap) (*pulumirpc.CreateResponse, error) {
	id := fmt.Sprintf("%s-%s", MadeUp, req.GetName())
	e := Event{
		Operation: Create, Type: req.GetType(), Name: req.GetName(), ID: id, Inputs: inputs, Config: p.Config(),
		Outputs: filledIn(kind.State, inputs, id, 1),
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

// named is the name of a resource that has none. The engine draws another seed
// each time, which a plan must not show: there, a name inside of others (that of
// an object in a cluster) is made from what it is the name of, so that other
// content has another name.
func (p *Provider) named(name string, random []byte, inputs resource.PropertyMap) string {
	if !p.fills {
		return fmt.Sprintf("%s-%07x", name, seed(random))
	}
	if _, object := inputs["metadata"]; !object {
		return name + "-" + MadeUp
	}
	content := resource.PropertyMap{}
	for key, value := range inputs {
		// Nobody shall guess a secret by a name.
		if !value.ContainsSecrets() {
			content[key] = value
		}
	}
	// Go writes maps in the order of their keys.
	sum := sha256.Sum256([]byte(fmt.Sprint(Plain(content))))
	return name + "-" + hex.EncodeToString(sum[:4])
}
