package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"escala/infra/plan"
	"escala/infra/plan/unpack"
)

// tree returns one line per resource, indented below its parent.
func tree(s plan.Stack) []string {
	depth := map[string]int{}
	var lines []string
	for _, r := range s.Resources {
		if r.Parent != "" {
			depth[r.URN] = depth[r.Parent] + 1
		}
		lines = append(lines, strings.Repeat("  ", depth[r.URN])+r.Type+"  "+r.Name)
	}
	return lines
}

// types returns one line per resource type with its count.
func types(s plan.Stack) []string {
	counts := s.Types()
	var lines []string
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		lines = append(lines, fmt.Sprintf("%3d  %s", counts[kind], kind))
	}
	return lines
}

// about lists the lookups, placeholders and unused keys of a stack.
func about(s plan.Stack) []string {
	var lines []string
	for _, l := range s.Lookups {
		lines = append(lines, fmt.Sprintf("asked %s%s: %s", l.Function, pairs(l.Args), madeUp(l.Answer)))
	}
	if len(s.Placeholders) > 0 {
		lines = append(lines, "placeholders stand for the secrets "+strings.Join(s.Placeholders, ", "))
	}
	if len(s.Unused) > 0 {
		lines = append(lines, "the stack's file also has "+strings.Join(s.Unused, ", ")+", which a plan does not use")
	}
	return lines
}

func madeUp(answer map[string]any) string {
	text := pairs(answer)
	if text == "" {
		return "nothing"
	}
	return strings.TrimSpace(text) + " (made up)"
}

// pairs formats plain values and lists of texts on one line. Other values are
// left out.
func pairs(values map[string]any) string {
	var out []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		switch v := values[key].(type) {
		case string, bool, float64, int:
			out = append(out, fmt.Sprintf("%s=%v", key, v))
		case []any:
			var words []string
			for _, one := range v {
				if word, ok := one.(string); ok {
					words = append(words, word)
				}
			}
			if len(words) > 0 {
				out = append(out, key+"="+strings.Join(words, ","))
			}
		}
	}
	if len(out) == 0 {
		return ""
	}
	return " " + strings.Join(out, " ")
}

// used returns the size of the user-data, with the limit if there is one.
func used(m plan.Machine) string {
	size := fmt.Sprintf("%d bytes of user-data", m.Bytes)
	if m.Limit > 0 {
		size = fmt.Sprintf("%d of %d bytes of user-data, %d %%", m.Bytes, m.Limit, m.Bytes*100/m.Limit)
	}
	if m.Encoding != "" {
		size += ", " + m.Encoding
	}
	return size
}

// filesMode returns a file's mode on the machine. A manifest has none.
func filesMode(f plan.File) string {
	if f.Object != nil || f.Path == unpack.CloudConfig {
		return "    "
	}
	if f.Mode == "" {
		return "0644"
	}
	return f.Mode
}

// configuration reports whether a file is a configuration file, whose content
// reports show by default.
func configuration(f plan.File) bool {
	return strings.HasSuffix(f.Path, ".conf") || strings.HasSuffix(f.Path, ".service") || strings.HasSuffix(f.Path, ".yaml") || f.Path == unpack.CloudConfig
}

// counted returns the counts of findings, for example "1 error, 2 warnings, 3
// notices".
func counted(p plan.Plan) string {
	var parts []string
	for _, level := range []plan.Level{plan.Error, plan.Warning, plan.Notice} {
		n := p.Count(level)
		word := string(level)
		if n != 1 {
			word += "s"
		}
		parts = append(parts, fmt.Sprintf("%d %s", n, word))
	}
	return strings.Join(parts, ", ")
}
