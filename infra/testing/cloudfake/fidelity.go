package cloudfake

import (
	"fmt"
	"slices"
	"strings"
)

// Table is the part of docs/fidelity.md about one cloud.
type Table struct {
	Cloud      string
	Behaviours []Behaviour
}

// Tables returns the tables of all clouds, in the page's order.
func Tables() []Table {
	return []Table{
		{Cloud: "AWS", Behaviours: NewAWS().Behaviours()},
		{Cloud: "DigitalOcean", Behaviours: NewDigitalOcean().Behaviours()},
		{Cloud: "Kubernetes", Behaviours: kubernetes()},
	}
}

// Markdown renders a table.
func (t Table) Markdown() string {
	var b strings.Builder
	b.WriteString("| behaviour | what it does | source | test |\n|---|---|---|---|\n")
	sorted := slices.SortedFunc(slices.Values(t.Behaviours), func(x, y Behaviour) int { return strings.Compare(x.Name, y.Name) })
	for _, behaviour := range sorted {
		fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` |\n", behaviour.Name, behaviour.Does, link(behaviour.Source), behaviour.Test)
	}
	return b.String()
}

// link returns a link whose text is the last part of its address.
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
