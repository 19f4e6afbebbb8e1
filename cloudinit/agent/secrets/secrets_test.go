package secrets

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestValuesAreNeverPrinted(t *testing.T) {
	values := Values{"TOKEN": "a-secret-value", "OTHER": "another-secret"}
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("read", "values", values)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("read", "values", values)
	// As literals, vet would reject some of these verbs.
	verbs := []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"}
	for _, verb := range verbs {
		fmt.Fprintf(&log, verb, values)
		fmt.Fprintf(&log, verb, struct{ V Values }{values})
		fmt.Fprintf(&log, verb, []any{values})
	}
	fmt.Fprintln(&log, values)
	_, err := json.Marshal(values)
	require.Error(t, err)
	log.WriteString(err.Error())
	assert.NotContains(t, log.String(), "secret-value")
	assert.NotContains(t, log.String(), "another-secret")
	assert.NotContains(t, log.String(), fmt.Sprintf("%x", "another-secret"))
	assert.Contains(t, log.String(), "OTHER, TOKEN")
}

func TestFileRefusesWhatNoEnvironmentHolds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.json")
	for content, name := range map[string]string{
		`{"A=B":"secret-value"}`: "A=B", `{"A B":"secret-value"}`: "A B", `{"1A":"secret-value"}`: "1A", `{"":"secret-value"}`: "", `{"A":"secret-value\u0000"}`: "A",
	} {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		_, err := File{Path: path, Names: []string{name}}.Read(t.Context())
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "secret-value")
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.json")
	_, err := File{Path: path, Names: []string{"A"}}.Read(t.Context())
	require.ErrorIs(t, err, ErrMissing)
	require.NoError(t, os.WriteFile(path, []byte(`{"A":"1","B":"2","C":"3"}`), 0o600))
	got, err := File{Path: path, Names: []string{"A", "B"}}.Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"A": "1", "B": "2"}, map[string]string(got))

	_, err = File{Path: path, Names: []string{"A", "D"}}.Read(t.Context())
	require.ErrorIs(t, err, ErrMissing)
	require.ErrorContains(t, err, "D in "+path)

	for _, bad := range []string{"", `{"A":1}`, `{"A":"secret-value"`, `["secret-value"]`, strings.Repeat(" ", maxFile+1)} {
		require.NoError(t, os.WriteFile(path, []byte(bad), 0o600))
		_, err = File{Path: path, Names: []string{"A"}}.Read(t.Context())
		require.Error(t, err)
		assert.NotContains(t, err.Error(), "secret-value")
	}
}

func TestAFileThatOthersCanReadIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secrets.json")
	require.NoError(t, os.WriteFile(path, []byte(`{"A":"1"}`), 0o600))
	for _, mode := range []os.FileMode{0o644, 0o640, 0o606} {
		require.NoError(t, os.Chmod(path, mode))
		_, err := File{Path: path, Names: []string{"A"}}.Read(t.Context())
		require.ErrorContains(t, err, "want a file with -rw-------")
	}
}
