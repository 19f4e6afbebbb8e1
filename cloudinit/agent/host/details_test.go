package host

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent"
	"escala/service"
)

type slots struct {
	all []agent.Slot
	err error
}

func (s slots) Slots(context.Context) ([]agent.Slot, error) { return s.all, s.err }

func TestDetailsAreOfTheServingProcesses(t *testing.T) {
	root := Root(t.TempDir())
	require.NoError(t, os.MkdirAll(root.path(releasesFolder), 0o755))
	me := processName(os.Getpid())
	d := &Details{
		Root: root, MachineID: "i-1", Config: agent.Config{Name: "api", Workers: 2, Mode: service.WorkersShared},
		Supervisor: slots{all: []agent.Slot{
			{State: agent.SlotRunning, Up: time.Hour, Process: me},
			{State: agent.SlotStopping, Up: time.Hour, Process: me},
			{State: agent.SlotStarting, Up: time.Second, Process: me},
			{State: agent.SlotStopped},
		}},
	}
	now := time.Now().Unix()
	got := d.Now(t.Context())
	require.Len(t, got.Workers, 2)
	assert.InDelta(t, now-3600, got.Workers[0].Started, 2, "the older of two processes")
	assert.Positive(t, got.Workers[0].Memory)
	assert.Zero(t, got.Workers[1].Started, "it is ending")
	assert.Positive(t, got.Disk.Total)
	assert.LessOrEqual(t, got.Disk.Free, got.Disk.Total)
	assert.Positive(t, got.Memory.Total)
	assert.LessOrEqual(t, got.Booted, now)
	assert.Positive(t, got.Booted)

	d.Supervisor = slots{err: errors.New("away")}
	assert.Zero(t, d.Now(t.Context()).Workers[0].Started)
}

func TestUnexpectedEndsAreCountedOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "supervisord.log")
	config := agent.Config{Name: "api", Workers: 2, Mode: service.WorkersShared}
	u := &unexpected{}
	assert.Empty(t, u.count(path, config), "there is no log yet")
	const died = "2026-11-26 06:29:41,123 WARN exited: api_2 (exit status 1; not expected)\n"
	write := func(content string) { require.NoError(t, os.WriteFile(path, []byte(content), 0o600)) }
	write("INFO exited: api_1 (exit status 0; expected)\nWARN exited: other_1 (exit status 1; not expected)\n" + died + died[:40])
	assert.Equal(t, map[int]int{0: 1}, u.count(path, config))
	assert.Equal(t, map[int]int{0: 1}, u.count(path, config))
	write("INFO exited: api_1 (exit status 0; expected)\nWARN exited: other_1 (exit status 1; not expected)\n" + died + died)
	assert.Equal(t, map[int]int{0: 2}, u.count(path, config))
	write(died) // another file
	assert.Equal(t, map[int]int{0: 3}, u.count(path, config))
}

func TestBootID(t *testing.T) {
	id := bootID()
	assert.NotEmpty(t, id)
	assert.Equal(t, id, bootID())
}
