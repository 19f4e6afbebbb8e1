package operate

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestPlain(t *testing.T) {
	for in, want := range map[string]string{
		"":                          "",
		"the disk\tis\nfull":        "the disk is full",
		"\x1b[2J\x1b]8;;http://x\a": "[2J]8;;http://x",
		"\u009b31mred":              "31mred",
		"a\u202eb\u2066c\u200bd":    "abcd",
		"Grüße, 東京":                 "Grüße, 東京",
		"\xff\xfe":                  "",
	} {
		assert.Equal(t, want, Plain(in), "%q", in)
	}
	assert.Len(t, Plain(strings.Repeat("x", 1<<20)), plainLimit)
}

func TestAgoAndBytes(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-time.Second: "0 s", 59 * time.Second: "59 s", 61 * time.Second: "1 min", 3 * time.Hour: "3 h",
		3*time.Hour + 5*time.Minute: "3 h 5 min", 48 * time.Hour: "2 d", 52 * time.Hour: "2 d 4 h",
	} {
		assert.Equal(t, want, Ago(d))
	}
	for n, want := range map[int64]string{0: "0 B", 999: "999 B", 1000: "1.0 KB", 24_400_000: "24 MB", 8e9: "8.0 GB", 4e15: "4000 TB"} {
		assert.Equal(t, want, Bytes(n))
	}
}
