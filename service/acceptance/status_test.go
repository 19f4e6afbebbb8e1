package acceptance

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/status"
)

func TestStatusOfClusterAndOfSupervisedWorkers(t *testing.T) {
	t.Parallel()
	c := startCluster(t, 2)
	dir := socketDir(t)
	_, socket := sharedSocket(t)
	for n := range 2 {
		admin := filepath.Join(dir, fmt.Sprintf("worker%d.sock", n))
		p := launch(t, binary, []string{"serve"}, []string{"LISTEN=fd:0", fmt.Sprintf("WORKER=%d", n), "ADMIN_SOCKET=" + admin}, socket)
		p.admin, p.ready = admin, "/ready"
		p.awaitReady()
	}
	for name, dir := range map[string]string{"cluster": c.dir, "supervised": dir} {
		p := launch(t, binary, []string{"status", "--json"}, []string{"RUN_DIR=" + dir}, nil)
		require.Equal(t, 0, p.wait(), "%s: %s", name, p.output())
		var s status.Report
		require.NoError(t, json.Unmarshal([]byte(p.output()), &s), name)
		require.Len(t, s.Workers, 2, name)
		assert.Equal(t, name == "cluster", s.Workers[0].Restarts != nil, "only a cluster knows the restarts")

		p = launch(t, binary, []string{"status", "--dir", dir}, nil, nil)
		require.Equal(t, 0, p.wait(), name)
		table := p.output()
		assert.Regexp(t, `(?m)^WORKER +PID +STATE +RELEASE +UPTIME +RESTARTS +REQUESTS`, table)
		for _, w := range s.Workers {
			assert.Regexp(t, fmt.Sprintf(`(?m)^%d +%d +ready +%s +`, w.Worker, w.PID, releaseID[:12]), table)
		}
	}
	require.NoError(t, staleSocket(filepath.Join(dir, "worker2.sock")))
	p := launch(t, binary, []string{"status", "--dir", dir}, nil, nil)
	assert.Equal(t, 1, p.wait())
	assert.Contains(t, p.output(), "not answering")
	p = launch(t, binary, []string{"status", "--dir", dir + "/none"}, nil, nil)
	assert.Equal(t, 1, p.wait())
	assert.Contains(t, p.output(), "no directory")
}

func TestHealthCommand(t *testing.T) {
	t.Parallel()
	port := freePort(t)
	env := []string{fmt.Sprintf("PORT=%d", port), "HOST=127.0.0.1"}
	p := launch(t, binary, []string{"health"}, env, nil)
	assert.Equal(t, 1, p.wait(), "nobody listens yet")
	worker(t, nil, env...)
	p = launch(t, binary, []string{"health"}, env, nil)
	assert.Equal(t, 0, p.wait(), p.output())
}
