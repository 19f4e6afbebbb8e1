package clouds

import (
	_ "embed"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

// These are the properties whose change replaces the resource, from the
// providers' own schemas (willReplaceOnChanges). They have only the types that
// targets register. After an upgrade of a provider, or for a new type (add its
// token with an empty list), regenerate its table:
//
//	pulumi package get-schema aws@6.83.4 >schema.json
//	go run ./infra/engine/offline/clouds/replaces -schema schema.json infra/engine/offline/clouds/aws_replaces.json
//
// Code in the providers (CustomizeDiff) replaces resources for further
// properties, which no schema shows. They are in the types' ReplacesIf.
var (
	//go:embed aws_replaces.json
	awsReplaces []byte
	//go:embed digitalocean_replaces.json
	digitalOceanReplaces []byte
)

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

// with returns the types with their properties from the table. It does not change a
// type that the table lacks; TestEveryTypeHasItsReplacements refuses such types.
func (r replacements) with(types map[string]offline.Resource) map[string]offline.Resource {
	for token, t := range types {
		t.Replaces = r.Replaces[token]
		types[token] = t
	}
	return types
}

// changed returns a condition that holds if a property had a value and has another
// one, or none.
func changed(path ...string) offline.Condition {
	return func(olds, news resource.PropertyMap) bool {
		before, after := find(olds, path), find(news, path)
		return before.HasValue() && !before.DeepEquals(after)
	}
}

// removed returns a condition that holds if a property had a value and has none any
// more.
func removed(property string) offline.Condition {
	return func(olds, news resource.PropertyMap) bool {
		return olds.HasValue(resource.PropertyKey(property)) && !news.HasValue(resource.PropertyKey(property))
	}
}

// lowered returns a condition that holds if a property goes from one value to
// another.
func lowered(property, from, to string) offline.Condition {
	return func(olds, news resource.PropertyMap) bool {
		return text(olds, property) == from && text(news, property) == to
	}
}

// find returns the value at a path, or null.
func find(properties resource.PropertyMap, path []string) resource.PropertyValue {
	value := resource.NewProperty(properties)
	for _, key := range path {
		if !value.IsObject() {
			return resource.NewNullProperty()
		}
		value = value.ObjectValue()[resource.PropertyKey(key)]
	}
	return value
}

// ipv6TurnedOff reports whether a machine had an IPv6 address and is to have none.
func ipv6TurnedOff(olds, news resource.PropertyMap) bool {
	on := offline.WhenTrue("ipv6")
	return on(nil, olds) && !on(nil, news)
}

// versionLowered reports whether a cluster is to go back to an older version
// (resource_kubernetes_cluster.go of DigitalOcean's provider).
func versionLowered(olds, news resource.PropertyMap) bool {
	return slices.Compare(numbers(text(news, "version")), numbers(text(olds, "version"))) < 0
}

// numbers returns the numbers in a version: 1, 36, 5 and 0 of "1.36.5-do.0".
func numbers(version string) []int {
	var all []int
	for _, field := range strings.FieldsFunc(version, func(r rune) bool { return r < '0' || r > '9' }) {
		n, err := strconv.Atoi(field)
		if err != nil {
			return nil
		}
		all = append(all, n)
	}
	return all
}
