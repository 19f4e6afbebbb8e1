package cloudinit

import (
	"fmt"
	"strings"
)

// iniSection is one section of an INI file as supervisord reads it.
type iniSection struct {
	Name string
	Keys []iniKey
}

type iniKey struct{ Name, Value string }

// marshalINI writes sections in order. supervisord expands "%" in a value, as
// in %(process_num)d. Values from outside must go through iniLiteral.
func marshalINI(sections []iniSection) (string, error) {
	var b strings.Builder
	for i, section := range sections {
		if i > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "[%s]\n", section.Name)
		for _, key := range section.Keys {
			// A line break would begin another key, and " ;" a comment.
			if strings.ContainsAny(key.Value, "\r\n\x00") || strings.Contains(key.Value, " ;") {
				return "", fmt.Errorf("[%s] %s: %q cannot be written to an INI file", section.Name, key.Name, key.Value)
			}
			fmt.Fprintf(&b, "%s=%s\n", key.Name, key.Value)
		}
	}
	return b.String(), nil
}

// iniLiteral escapes a value, so that supervisord does not expand it.
func iniLiteral(s string) string { return strings.ReplaceAll(s, "%", "%%") }
