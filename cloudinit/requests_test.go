package cloudinit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
	"escala/cloudinit/agent/request"
	"escala/cloudinit/agent/store"
	"escala/service/machine"
)

// operatorKey is the key of the stack that benches belong to.
func operatorKey(t testing.TB, digit string) request.Key {
	t.Helper()
	key, err := request.ParseKey(strings.Repeat(digit, 64))
	require.NoError(t, err)
	return key
}

// machineID is the id of a bench that answers requests.
const machineID = "i-0123"

// run starts the agent as systemd does, and ends it with the test.
func (b *bench) run(t *testing.T) (kill func()) {
	t.Helper()
	name := b.root + "/var/lib/cloud/data/instance-id"
	require.NoError(t, os.MkdirAll(filepath.Dir(name), 0o755))
	require.NoError(t, os.WriteFile(name, []byte(machineID+"\n"), 0o644))
	cmd := b.agent(context.WithoutCancel(t.Context()), "run")
	require.NoError(t, cmd.Start())
	killed := false
	kill = func() {
		if !killed {
			killed = true
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
	}
	t.Cleanup(kill)
	return kill
}

// put writes a request to the store, and returns the bytes.
func (b *bench) put(t *testing.T, key request.Key, r request.Request) []byte {
	t.Helper()
	object, err := key.Sign(r)
	require.NoError(t, err)
	require.NoError(t, store.Folder(b.store).Put(t.Context(), request.CurrentKey, object))
	return object
}

// request sends a request and waits for the answer.
func (b *bench) request(t *testing.T, kind request.Kind, query *request.Query) (request.Pending, request.Answer) {
	t.Helper()
	asked, err := request.New(machineID, kind, time.Now(), 0)
	require.NoError(t, err)
	asked.Logs = query
	b.put(t, operatorKey(t, "a"), asked.Request)
	var answer request.Answer
	require.Eventually(t, func() bool {
		content, err := os.ReadFile(b.answer(kind))
		if err != nil {
			return false
		}
		answer, err = asked.Open(content)
		return err == nil
	}, 2*time.Minute, 50*time.Millisecond)
	return asked, answer
}

func (b *bench) answer(kind request.Kind) string {
	return filepath.Join(b.store, store.MachineKey(machineID, request.AnswerName(kind)))
}

// TestAMachineAnswersRequests checks a real agent with real workers, through a
// folder.
func TestAMachineAnswersRequests(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one := b.release(t, "one")
	b.point(t, one.Pointer())
	whole := t
	kill := b.run(whole)
	require.Eventually(t, func() bool {
		content, err := os.ReadFile(b.root + "/run/escala-release/status.json")
		if err != nil {
			return false
		}
		s, err := machine.Read(strings.NewReader(string(content)))
		return err == nil && s.Phase == machine.Serving
	}, 2*time.Minute, 50*time.Millisecond)

	t.Run("logs", func(t *testing.T) {
		f, err := os.OpenFile(b.root+"/var/log/escala/worker-1.log", os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o644)
		require.NoError(t, err)
		for i := range 50_000 {
			fmt.Fprintf(f, `{"time":"2026-01-02T03:04:05Z","msg":"line %d of the worker"}`+"\n", i)
		}
		require.NoError(t, f.Close())
		_, answer := b.request(t, request.Logs, &request.Query{Source: "worker-1", Contains: "line 49999 of"})
		require.Len(t, answer.Lines, 1, answer.Error)
		assert.Contains(t, answer.Lines[0].Text, "line 49999 of the worker")
		_, answer = b.request(t, request.Logs, &request.Query{Since: 1})
		assert.True(t, answer.More)
		info, err := os.Stat(b.answer(request.Logs))
		require.NoError(t, err)
		assert.LessOrEqual(t, info.Size(), int64(request.MaxAnswer))
		content, err := os.ReadFile(b.answer(request.Logs))
		require.NoError(t, err)
		assert.NotContains(t, string(content), "of the worker")
		_, answer = b.request(t, request.Logs, &request.Query{Source: "../../etc/shadow"})
		assert.Contains(t, answer.Error, "is not one of the machine's logs")
	})

	t.Run("refused", func(t *testing.T) {
		before := b.processes(t)
		for name, c := range map[string]struct {
			key     request.Key
			machine string
			at      time.Time
		}{
			"another key":     {operatorKey(t, "b"), machineID, time.Now()},
			"another machine": {operatorKey(t, "a"), "i-9999", time.Now()},
			"expired":         {operatorKey(t, "a"), machineID, time.Now().Add(-time.Hour)},
		} {
			asked, err := request.New(c.machine, request.Restart, c.at, 0)
			require.NoError(t, err, name)
			b.put(t, c.key, asked.Request)
			b.poll(t)
		}
		assert.Equal(t, before, b.processes(t))
		assert.NoFileExists(t, b.root+"/var/lib/escala/restart.json")
	})

	t.Run("restart", func(t *testing.T) {
		before := b.processes(t)
		stop := b.load(t)
		asked, answer := b.request(t, request.Restart, nil)
		sent, failed := stop()
		assert.Empty(t, answer.Error)
		assert.Empty(t, failed, "of %d requests", sent)
		after := b.processes(t)
		assert.Len(t, after, len(before))
		for _, pid := range before {
			assert.NotContains(t, after, pid)
		}
		// The same object is put back, also for an agent that knows nothing but its
		// disk.
		b.put(t, operatorKey(t, "a"), asked.Request)
		b.poll(t)
		kill()
		kill = b.run(whole)
		b.poll(t)
		assert.Equal(t, after, b.processes(t))
		t.Logf("%d requests", sent)
	})

	t.Run("maintenance", func(t *testing.T) {
		key := operatorKey(t, "a")
		on, err := request.NewMaintenance(true, []byte("<p>later</p>"), time.Now(), request.Maintenance{})
		require.NoError(t, err)
		object, err := key.SignMaintenance(on)
		require.NoError(t, err)
		require.NoError(t, store.Folder(b.store).Put(t.Context(), request.MaintenanceKey, object))
		page := b.root + host.MaintenancePage
		require.Eventually(t, func() bool {
			content, err := os.ReadFile(page)
			return err == nil && string(content) == "<p>later</p>" && b.status(t).Maintenance
		}, time.Minute, 50*time.Millisecond)
		off, err := request.NewMaintenance(false, nil, time.Now(), on)
		require.NoError(t, err)
		last, err := key.SignMaintenance(off)
		require.NoError(t, err)
		require.NoError(t, store.Folder(b.store).Put(t.Context(), request.MaintenanceKey, last))
		require.Eventually(t, func() bool { return !b.status(t).Maintenance }, time.Minute, 50*time.Millisecond)
		// An older setting has no effect on an agent that has just started either.
		require.NoError(t, store.Folder(b.store).Put(t.Context(), request.MaintenanceKey, object))
		kill()
		b.run(whole)
		b.poll(t)
		assert.NoFileExists(t, page)
	})
}

// poll waits until the agent, which reads the store every second, must have read it.
func (b *bench) poll(t *testing.T) {
	t.Helper()
	since := time.Now().Unix()
	require.Eventually(t, func() bool { return b.status(t).Checked > since+4 }, time.Minute, 50*time.Millisecond)
}

// processes returns the process numbers of the workers that serve.
func (b *bench) processes(t *testing.T) []int {
	t.Helper()
	var pids []int
	all, err := filepath.Glob("/proc/[0-9]*/exe")
	require.NoError(t, err)
	for _, link := range all {
		target, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(target, b.root+"/opt/escala/releases/") {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(link, "/proc/%d/exe", &pid); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}
