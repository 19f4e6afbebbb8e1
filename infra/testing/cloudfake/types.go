package cloudfake

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"escala/infra/engine/offline"
	"escala/infra/engine/offline/clouds"
)

// Type holds the facts about a resource type in the provider's source.
type Type struct {
	// Source is the file of the provider's source.
	Source string
	// Further lists, in sentences, the replacements beyond the schema and the other
	// facts that a stack must know. Optional.
	Further string
}

// Types is the part of docs/fidelity.md about one cloud's resource types.
type Types struct {
	Cloud string
	// Known maps the types of the offline provider to their behaviour.
	Known map[string]offline.Resource
	// Read maps type tokens to the facts that were read.
	Read map[string]Type
}

// AllTypes returns the resource types of all clouds, in the page's order.
func AllTypes() []Types {
	return []Types{
		{"AWS types", clouds.AWS(nil).Types(), awsTypes},
		{"DigitalOcean types", clouds.DigitalOcean(nil).Types(), doTypes},
		{"Kubernetes types", clouds.Kubernetes(nil).Types(), kubernetesTypes},
	}
}

// Markdown renders the types as a table.
func (t Types) Markdown() string {
	var b strings.Builder
	b.WriteString("| type | another one for another | further | source |\n|---|---|---|---|\n")
	for _, token := range slices.Sorted(maps.Keys(t.Read)) {
		read, kind := t.Read[token], t.Known[token]
		properties := slices.Clone(kind.Replaces)
		for property := range kind.ReplacesIf {
			properties = append(properties, property+" (not always)")
		}
		slices.Sort(properties)
		properties = slices.DeleteFunc(properties, func(p string) bool { return strings.HasPrefix(p, "metadata.name") })
		_, short, _ := strings.Cut(token, ":")
		short = strings.TrimPrefix(short, "index/")
		if module, name, found := strings.Cut(short, ":"); found && strings.EqualFold(module[strings.LastIndex(module, "/")+1:], name) {
			short = module[:strings.LastIndex(module, "/")+1] + name
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", short, strings.Join(properties, ", "), read.Further, link(read.Source))
	}
	return b.String()
}
