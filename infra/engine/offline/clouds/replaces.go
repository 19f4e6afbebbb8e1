package clouds

import (
	_ "embed"
	"encoding/json"
	"slices"

	"escala/infra/engine/offline"
)

// awsReplaces are the properties of AWS types whose change replaces the
// resource, from the provider's own schema (willReplaceOnChanges). It has only
// the types that targets register. After an upgrade of the provider, or for a
// new type (add its token with an empty list), regenerate it:
//
//	pulumi package get-schema aws@6.83.4 >schema.json
//	go run ./infra/engine/offline/clouds/replaces -schema schema.json infra/engine/offline/clouds/aws_replaces.json
//
//go:embed aws_replaces.json
var awsReplaces []byte

// replacements is a parsed table.
type replacements struct {
	Package  string              `json:"package"`
	Version  string              `json:"version"`
	Replaces map[string][]string `json:"replaces"`
}

// read parses a table. The table is part of the program, so an error is a bug.
func read(table []byte) replacements {
	var r replacements
	if err := json.Unmarshal(table, &r); err != nil {
		panic("reading which properties replace a resource: " + err.Error())
	}
	return r
}

// byDifference are the properties that replace a resource only through code in
// the provider (CustomizeDiff), which no schema shows: EKS cannot change the
// role of a cluster's nodes.
var byDifference = map[string][]string{
	"aws:eks/cluster:Cluster": {"computeConfig.nodeRoleArn"},
}

// with returns the types with their properties from the table. A type that the
// table lacks stays as it is; TestEveryTypeHasItsReplacements refuses such
// types.
func (r replacements) with(types map[string]offline.Resource) map[string]offline.Resource {
	for token, t := range types {
		t.Replaces = slices.Concat(r.Replaces[token], byDifference[token])
		types[token] = t
	}
	return types
}
