package host

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/secrets"
	"escala/service"
)

// TestAWorkersOwnVariablesAreSetLast checks that neither the service's variables nor
// its secrets nor the supervisor's replace what makes a worker this worker, and that
// settings of the machine are no variables.
func TestAWorkersOwnVariablesAreSetLast(t *testing.T) {
	conflicting := map[string]string{
		service.EnvListen: "tcp:1", service.EnvWorker: "9", service.EnvAdmin: "/tmp/x", service.EnvHost: "0.0.0.0", service.EnvPort: "80",
		"NAME": "demo", "PORTS_BASE": "9",
	}
	config := Config{
		Config: agent.Config{
			Name: "api", User: "escala", Workers: 2, Mode: service.WorkersShared, Kept: 2,
			Start: agent.Duration(time.Second), Stop: agent.Duration(time.Second), Poll: agent.Duration(time.Second),
		},
		Secrets: &secrets.Settings{Names: []string{"NAME"}},
	}
	for _, from := range []string{EnvironmentFile, SecretsFile, "the supervisor"} {
		t.Run(from, func(t *testing.T) {
			r := Root(t.TempDir())
			files := map[string]any{
				ConfigFile: config, EnvironmentFile: map[string]string{}, SecretsFile: map[string]string{},
			}
			if _, ok := files[from]; ok {
				files[from] = conflicting
			} else {
				for name, value := range conflicting {
					t.Setenv(name, value)
				}
			}
			for name, content := range files {
				text, err := json.Marshal(content)
				require.NoError(t, err)
				require.NoError(t, os.MkdirAll(filepath.Dir(r.path(name)), 0o755))
				require.NoError(t, os.WriteFile(r.path(name), text, 0o600))
			}
			got, err := r.environment(own{worker: 1, listen: "fd:0", admin: "/run/1", host: "127.0.0.1", port: "3001"})
			require.NoError(t, err)
			for _, want := range []string{"LISTEN=fd:0", "WORKER=1", "ADMIN_SOCKET=/run/1", "HOST=127.0.0.1", "PORT=3001", "NAME=demo", "PORTS_BASE=9"} {
				assert.Contains(t, got, want)
			}
		})
	}
}
