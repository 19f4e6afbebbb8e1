package operate

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestALogLineCannotActOnATerminal(t *testing.T) {
	for in, want := range map[string]string{
		"plain\ttext, ñ, 日本, 🙂":        "plain\ttext, ñ, 日本, 🙂",
		"\x1b[2J\x1b]0;title\x07red":   `\x1b[2J\x1b]0;title\x07red`,
		"a\rb\x00c\x7f":                `a\x0db\x00c\x7f`,
		"\u009b31m":                    `\u009b31m`,
		"user\u202egnp.exe":            `user\u202egnp.exe`,
		"tag \U000e0041":               `tag \U000e0041`,
		"half \xff\xfe of a character": `half \xff\xfe of a character`,
		"no\u00a0break":                "no\u00a0break",
	} {
		assert.Equal(t, want, Visible(in))
	}
}
