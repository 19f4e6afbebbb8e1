package cli

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pulumi/pulumi/pkg/v3/secrets/passphrase"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/engine"
	"escala/infra/engine/stackfile"
	"escala/infra/program"
	"escala/service/event"
)

// TestAnUpdateThatDoesNotBeginIsTold checks which updates the webhook is told of that
// fail before the program runs.
func TestAnUpdateThatDoesNotBeginIsTold(t *testing.T) {
	var got []event.Event
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		var e event.Event
		_ = json.NewDecoder(r.Body).Decode(&e)
		got = append(got, e)
	}))
	defer server.Close()
	locked := &engine.LockedError{Stack: "x"}
	for name, tt := range map[string]struct {
		// lines are the configuration. phrase is the passphrase in the environment.
		// state is the content of the state.
		lines, phrase, state string
		failed               error
		kind                 event.Kind
		told, untold         string
	}{
		"a state that cannot be read": {"", "people's", "{", nil, event.Update, "reading the state", ""},
		"a rollback of it":            {"  escala:release: \"0123\"\n", "people's", "{", nil, event.Rollback, "reading the state", ""},
		"another one's lock":          {"", "people's", "", locked, "", "", ""},
		"interrupted at a lock":       {"", "people's", "", engine.ErrInterrupted, "", "", ""},
		"another passphrase": {
			"", "of another project", "", nil, "", "",
			"notify.webhook was not told of this update: Pulumi.x.yaml: opening the encrypted values: no known passphrase opens it",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got = nil
			root := t.TempDir()
			// The engine opens each salt once in a process.
			salt, manager, err := passphrase.NewPassphraseSecretsManager("people's")
			require.NoError(t, err)
			sealed, err := manager.Encrypter().EncryptValue(t.Context(), server.URL)
			require.NoError(t, err)
			path := filepath.Join(root, "Pulumi.x.yaml")
			lines := "encryptionsalt: " + salt + "\nconfig:\n  escala:notify:\n    webhook:\n      secure: " + sealed + "\n" + tt.lines
			require.NoError(t, os.WriteFile(path, []byte(lines), 0o600))
			file, err := stackfile.Read(path)
			require.NoError(t, err)
			file.Path = filepath.Base(path)
			t.Setenv("PULUMI_CONFIG_PASSPHRASE", tt.phrase)
			backend := filepath.Join(root, "backend")
			if tt.state != "" {
				require.NoError(t, os.MkdirAll(filepath.Join(backend, ".pulumi", "stacks", "escala"), 0o700))
				require.NoError(t, os.WriteFile(filepath.Join(backend, ".pulumi", "stacks", "escala", "x.json"), []byte(tt.state), 0o600))
			}
			s := &session{project: "escala", root: root, reason: new(lastError), update: new(program.Update)}
			s.Stack, err = engine.Open(engine.Options{
				Project: "escala", Stack: "x", File: file, Root: root, State: backend,
				Program: func([]string) pulumi.RunFunc {
					return func(*pulumi.Context) error { return errors.New("the program runs") }
				},
			})
			require.NoError(t, err)
			failed := tt.failed
			if failed == nil {
				_, failed = s.Up(t.Context(), engine.Run{})
			}
			require.Error(t, failed)
			untold := s.tellFailure(t.Context(), time.Now(), failed)
			if tt.untold == "" {
				require.NoError(t, untold)
			} else {
				require.ErrorContains(t, untold, tt.untold)
			}
			if tt.told == "" {
				assert.Empty(t, got)
				return
			}
			require.Len(t, got, 1)
			assert.Equal(t, "escala/x", got[0].Stack)
			assert.Equal(t, tt.kind, got[0].Kind)
			assert.Equal(t, event.Failed, got[0].Result)
			assert.Contains(t, got[0].Text, tt.told)
			assert.NotContains(t, got[0].Text, "\n")
		})
	}
}
