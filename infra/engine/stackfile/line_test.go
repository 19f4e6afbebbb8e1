package stackfile

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestFaultyLine checks that the line of an error is the one that a person has to
// change.
func TestFaultyLine(t *testing.T) {
	for text, want := range map[string]string{
		"config:\n  a: 1\n  b: [1, 2\n  c: 3\n":                   "line 3: ",
		"config:\n  a: 1\n  b: \"x\n  c: 3\n":                     "line 3: ",
		"config:\n  escala:service:\n    name: api\n   port: 3\n": "line 4: ",
		"config:\n  a: b: c\n":                                    "line 2: ",
		"config:\n\ta: 1\n":                                       "line 2: ",
		"# only\nconfig: {}\nconfig: {}\n":                        "line 3: ",
		"- a\n":                                                   "line 1: ",
	} {
		_, err := Parse("Pulumi.x.yaml", []byte(text))
		require.Error(t, err, text)
		assert.Contains(t, err.Error(), "reading Pulumi.x.yaml: "+want, text)
		assert.NotContains(t, err.Error(), ": yaml:", text)
		assert.NotContains(t, err.Error(), "expected key", text)
	}
}

func TestTheFaultyLineIsShown(t *testing.T) {
	_, err := Parse("Pulumi.x.yaml", []byte("config:\r\n  escala:service:\r\n    name: api\r\n   workers: 2\r\n"))
	require.EqualError(t, err, "reading Pulumi.x.yaml: line 4: this is not YAML here: keys that belong together begin in the same column, and values with special characters need quotes\n  4 |    workers: 2")
}
