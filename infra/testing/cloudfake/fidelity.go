package cloudfake

import (
	"fmt"
	"slices"
	"strings"
)

// Table is one cloud's part of docs/fidelity.md.
type Table struct {
	Cloud      string
	Behaviours []Behaviour
}

// Tables are all clouds', in the order of the page.
func Tables() []Table {
	return []Table{
		{Cloud: "AWS", Behaviours: NewAWS().Behaviours()},
		{Cloud: "DigitalOcean", Behaviours: NewDigitalOcean().Behaviours()},
		{Cloud: "Kubernetes", Behaviours: kubernetes()},
	}
}

// Markdown is a table as the page has it.
func (t Table) Markdown() string {
	var b strings.Builder
	b.WriteString("| behaviour | what it does | source | test |\n|---|---|---|---|\n")
	sorted := slices.SortedFunc(slices.Values(t.Behaviours), func(x, y Behaviour) int { return strings.Compare(x.Name, y.Name) })
	for _, behaviour := range sorted {
		fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` |\n", behaviour.Name, behaviour.Does, link(behaviour.Source), behaviour.Test)
	}
	return b.String()
}

// link shows an address by its last part.
func link(source string) string {
	if !strings.Contains(source, "://") {
		return "`" + source + "`"
	}
	rest := strings.TrimSuffix(source, "/")
	name := rest[strings.LastIndex(rest, "/")+1:]
	if strings.Contains(source, "/issues/") || strings.Contains(source, "/pull/") {
		parts := strings.Split(rest, "/")
		name = parts[len(parts)-3] + "#" + name
	}
	return fmt.Sprintf("[%s](%s)", strings.TrimSuffix(name, ".html"), source)
}
