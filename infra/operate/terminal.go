package operate

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Visible returns a line of text for a terminal. It shows everything that a terminal
// would act on, as "\x1b" or "\u202e", so that the author of a log line cannot
// change what its reader sees or run anything. Tabs stay.
func Visible(s string) string {
	if strings.IndexFunc(s, isControl) < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && size == 1:
			b.WriteString(`\x` + hexDigits(uint32(s[i]), 2))
		case !isControl(r):
			b.WriteRune(r)
		case r < 0x80:
			b.WriteString(`\x` + hexDigits(uint32(r), 2))
		case r <= 0xffff:
			b.WriteString(`\u` + hexDigits(uint32(r), 4))
		default:
			b.WriteString(`\U` + hexDigits(uint32(r), 8))
		}
		i += size
	}
	return b.String()
}

// isControl reports whether a terminal acts on a character instead of showing it: control
// characters, and marks that change the direction of writing.
func isControl(r rune) bool {
	return r != '\t' && r != ' ' && !unicode.IsPrint(r) && !unicode.Is(unicode.Co, r) && !unicode.Is(unicode.Zs, r)
}

func hexDigits(v uint32, digits int) string {
	const hex = "0123456789abcdef"
	b := make([]byte, digits)
	for i := digits - 1; i >= 0; i-- {
		b[i], v = hex[v&15], v>>4
	}
	return string(b)
}
