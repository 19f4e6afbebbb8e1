package clouds

import (
	_ "embed"
	"encoding/json"
	"slices"

	"escala/infra/engine/offline"
)

// awsReplaces are the properties of AWS' types whose change makes another
// resource, as the provider's own schema has them (willReplaceOnChanges). Only
// the types that targets register are in it. After a new version of the
// provider, or for another type (its token with an empty list), write it anew:
//
//	pulumi package get-schema aws@6.83.4 >schema.json
//	go run ./infra/engine/offline/clouds/replaces -schema schema.json infra/engine/offline/clouds/aws_replaces.json
//
//go:embed aws_replaces.json
var awsReplaces []byte

// replacements are such a table.
type replacements struct {
	Package  string              `json:"package"`
	Version  string              `json:"version"`
	Replaces map[string][]string `json:"replaces"`
}

// read parses a table. It is part of the program, so it cannot be wrong.
func read(table []byte) replacements {
	var r replacements
	if err := json.Unmarshal(table, &r); err != nil {
		panic("reading which properties replace a resource: " + err.Error())
	}
	return r
}

// byDifference are the properties that replace a resource by what a provider
// computes when it compares (CustomizeDiff), which no schema has: EKS gives a
// cluster's nodes no other role.
var byDifference = map[string][]string{
	"aws:eks/cluster:Cluster": {"computeConfig.nodeRoleArn"},
}

// with gives every type its properties. A type that the table lacks keeps none,
// which TestEveryTypeHasItsReplacements refuses.
func (r replacements) with(types map[string]offline.Resource) map[string]offline.Resource {
	for token, t := range types {
		t.Replaces = slices.Concat(r.Replaces[token], byDifference[token])
		types[token] = t
	}
	return types
}
