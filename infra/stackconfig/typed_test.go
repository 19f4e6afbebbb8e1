package stackconfig

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"escala/service"
)

// typedFile is a source that converts values as YAML does, like Pulumi.
type typedFile struct {
	t       *testing.T
	content string
	// hidden means that the file cannot be read.
	hidden bool
}

func (f typedFile) values() map[string]any {
	f.t.Helper()
	var all struct{ Config map[string]any }
	require.NoError(f.t, yaml.Unmarshal([]byte(f.content), &all))
	return all.Config
}

func (f typedFile) Keys() []string { return sortedKeys(f.values()) }

func (f typedFile) Get(key string) (string, bool) {
	v, ok := f.values()[key]
	if s, text := v.(string); text {
		return s, ok
	}
	b, err := json.Marshal(v)
	require.NoError(f.t, err)
	return string(b), ok
}

func (f typedFile) File() File {
	if f.hidden {
		return File{}
	}
	return ParseFile([]byte(f.content))
}

const typedByHand = `config:
  escala:target: local
  escala:release: 012345670123 # a pin by the beginning of an id
  escala:service:
    env:
      API_VERSION: 2024-06-20
      COMMIT: 72225e2
      OCTAL: 010
      HEX: 0x1F
      LARGE: 1_000
      BOOL: yes
      OFF: off
      T: true
      QUOTED: "2024-06-20"
      FLOAT: 1.10
      PHONE: +4930123456
    workers: {count: 0x3}
`

// TestWhatWasTypedArrives checks values that YAML reads as another type.
func TestWhatWasTypedArrives(t *testing.T) {
	t.Parallel()
	c, err := Load("escala", typedFile{t: t, content: typedByHand}, sections(&settings{}))
	require.NoError(t, err)
	assert.Equal(t, map[string]string{
		"API_VERSION": "2024-06-20", "COMMIT": "72225e2", "OCTAL": "010", "HEX": "0x1F", "LARGE": "1_000",
		"BOOL": "yes", "OFF": "off", "T": "true", "QUOTED": "2024-06-20", "FLOAT": "1.10", "PHONE": "+4930123456",
	}, c.Service.Env)
	assert.Equal(t, "012345670123", c.Release)
	assert.Equal(t, 3, c.Service.Workers.Count, "a number is one however it is typed")
}

// TestWhatCannotBeSeenIsRefused checks the same values without the file.
func TestWhatCannotBeSeenIsRefused(t *testing.T) {
	t.Parallel()
	_, err := Load("escala", typedFile{t: t, content: typedByHand, hidden: true}, sections(&settings{}))
	var v service.Violations
	require.ErrorAs(t, err, &v)
	for _, one := range v {
		assert.Contains(t, one.Problem, "in quotes", one.Path)
	}
	_, err = Load("escala", fake{"escala:target": "local", "escala:service": `{"env": {"API_VERSION": "2024-06-20 00:00:00 +0000 UTC"}}`}, sections(&settings{}))
	require.ErrorContains(t, err, `service.env.API_VERSION: YAML reads the value as a date, "2024-06-20 00:00:00 +0000 UTC"; put it in quotes`)
}

// TestAnotherFileIsNotBelieved checks that Pulumi's value counts if it differs
// from the file.
func TestAnotherFileIsNotBelieved(t *testing.T) {
	t.Parallel()
	f := ParseFile([]byte("config:\n  escala:service: {env: {A: 010, B: 2024-06-20}}\n"))
	value := parse(`{"env": {"A": 9, "B": "x"}}`)
	env := typed(f.at("escala:service"), value).(map[string]any)["env"].(map[string]any)
	assert.Equal(t, json.Number("9"), env["A"])
	assert.Equal(t, "x", env["B"])
}

// TestPlansRefuseWhatAWorkerRefuses checks that a violation has the key of the
// stack's file.
func TestPlansRefuseWhatAWorkerRefuses(t *testing.T) {
	t.Parallel()
	_, err := Load("escala", fake{
		"escala:target":  "local",
		"escala:service": `{"env": {"LOG_LEVEL": "verbose"}, "secrets": ["SESSION_KEYS"]}`,
		"escala:secrets": `{"SESSION_KEYS": "k1:c2hvcnQ="}`,
	}, sections(&settings{}))
	require.ErrorContains(t, err, `service.env.LOG_LEVEL: "verbose" is not one of debug`)
	require.ErrorContains(t, err, "secrets.SESSION_KEYS: key 1 (k1) is not at least 32 bytes")
}

func FuzzFile(f *testing.F) {
	f.Add([]byte(typedByHand))
	f.Add([]byte("config:\n  escala:service: &a {env: *a}\n"))
	f.Add([]byte("config: # comment\n    escala:target: local\n"))
	f.Add([]byte("\xef\xbb\xbfconfig:\n  \"escala:release\": 0o17\n"))
	// The content of a file must not change a value other than by literals, and
	// must not end the program.
	f.Fuzz(func(t *testing.T, content []byte) {
		file := ParseFile(content)
		for _, value := range []string{`{"env": {"A": 8, "B": "2024-06-20T00:00:00Z"}, "secrets": [1, true]}`, "15", "text"} {
			before := parse(value)
			after := typed(file.at("escala:service"), parse(value))
			if plain, ok := after.(literal); ok {
				after = plain.value
			}
			b, err := json.Marshal(strip(after))
			if err != nil {
				t.Fatal(err)
			}
			a, err := json.Marshal(before)
			if err != nil {
				t.Fatal(err)
			}
			if string(a) != string(b) {
				t.Fatalf("%q turns %s into %s", content, a, b)
			}
		}
	})
}

// strip replaces each literal by its converted value.
func strip(value any) any {
	switch v := value.(type) {
	case literal:
		return v.value
	case map[string]any:
		for key := range v {
			v[key] = strip(v[key])
		}
	case []any:
		for i := range v {
			v[i] = strip(v[i])
		}
	}
	return value
}
