package cloudinit

import (
	"fmt"
	"sort"
	"strings"
)

// shellAssignments writes NAME='value' lines, sorted by name.
func shellAssignments(head string, values map[string]string) (string, error) {
	names := make([]string, 0, len(values))
	for name := range values {
		names = append(names, name)
	}
	sort.Strings(names)
	var b strings.Builder
	b.WriteString(head)
	for _, name := range names {
		if strings.ContainsRune(values[name], 0) {
			return "", fmt.Errorf("%s has a NUL in its value", name)
		}
		fmt.Fprintf(&b, "%s=%s\n", name, shellQuote(values[name]))
	}
	return b.String(), nil
}

// shellQuote quotes by POSIX 2.2.2: only the single quote is special between
// single quotes.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
