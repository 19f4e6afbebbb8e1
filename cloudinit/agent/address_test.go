package agent

import (
	"bytes"
	"context"
	"io"
	"io/fs"
	"log/slog"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// someFiles is a disk in memory.
type someFiles struct {
	noFiles
	content map[string][]byte
}

func (d someFiles) Open(name string) (io.ReadCloser, error) {
	if b, ok := d.content[name]; ok {
		return io.NopCloser(bytes.NewReader(b)), nil
	}
	return nil, fs.ErrNotExist
}

func (d someFiles) Create(name string, _ fs.FileMode) (io.WriteCloser, error) {
	return &someFile{files: d, name: name}, nil
}

func (d someFiles) Rename(from, to string) error {
	d.content[to] = d.content[from]
	delete(d.content, from)
	return nil
}

func (d someFiles) Remove(name string) error {
	delete(d.content, name)
	return nil
}

type someFile struct {
	bytes.Buffer
	files someFiles
	name  string
}

func (f *someFile) Close() error {
	f.files.content[f.name] = f.Bytes()
	return nil
}

// TestAMoveRestartsWhatHasConnections checks that a new address causes a restart,
// which replaces the workers and the processes beside them.
func TestAMoveRestartsWhatHasConnections(t *testing.T) {
	address, clock := "198.51.100.1", &handClock{elapsed: time.Hour}
	a := &Agent{
		Config:     Config{Workers: 2, Mode: service.WorkersShared, Processes: []Process{{Name: "mail", Count: 2}}},
		Disk:       someFiles{content: map[string][]byte{}},
		Supervisor: &fourSlots{}, Workers: ready{}, Clock: clock, Log: slog.New(slog.DiscardHandler),
		Address: func(context.Context) (string, error) { return address, nil },
	}
	require.NoError(t, a.remember(addressFile, address))

	a.checkAddress(t.Context())
	assert.Zero(t, a.restarts.request.At, "it is the address of before")

	address = "203.0.113.9"
	a.checkAddress(t.Context())
	assert.Zero(t, a.restarts.request.At, "it was looked at a moment ago")
	clock.elapsed += addressEvery
	a.checkAddress(t.Context())
	assert.Equal(t, "address-1", a.restarts.request.ID)

	// The restart ends early, so some old workers are still there.
	a.restarts.last = restart{Restarting: a.restarts.request, Done: true, Failure: "worker 0 does not come up"}
	clock.elapsed += addressEvery
	a.checkAddress(t.Context())
	before, err := recall[string](a.Disk, addressFile)
	require.NoError(t, err)
	assert.Equal(t, "198.51.100.1", before)
	clock.elapsed += addressRetry
	a.checkAddress(t.Context())
	assert.Equal(t, "address-2", a.restarts.request.ID)
	a.restarts.last = restart{Restarting: a.restarts.request, Done: true}
	clock.elapsed += addressEvery
	a.checkAddress(t.Context())
	before, err = recall[string](a.Disk, addressFile)
	require.NoError(t, err)
	assert.Equal(t, address, before)
}
