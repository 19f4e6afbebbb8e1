package podman

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// TestFirstMachinesOfClonesStartAtOnce checks that the clones of one host start
// their first machines at the same time. Netavark looks for its chains in the
// host's firewall and makes those that are missing. In between, another clone makes
// or removes them. The test has its own network namespace, in which the firewall
// is empty.
func TestFirstMachinesOfClonesStartAtOnce(t *testing.T) {
	clones := make([]Podman, 4)
	for i := range clones {
		clones[i] = open(t)
	}
	rootfs := sleeper(t)
	host := emptyNetwork(t)
	for range 3 {
		var all errgroup.Group
		for i, p := range clones {
			all.Go(func() error {
				if err := host.enter(); err != nil {
					return err
				}
				network, err := p.EnsureNetwork(t.Context())
				if err != nil {
					return err
				}
				err = p.Run(t.Context(), Container{
					Name: "c", RootFS: rootfs, Network: network.Name, OpenFiles: 1024, Command: []string{"/sleep"},
				})
				if err != nil {
					return fmt.Errorf("clone %d: %w", i, err)
				}
				return errors.Join(p.Remove(t.Context(), "c", 0), p.RemoveWhenUnused(t.Context()))
			})
		}
		require.NoError(t, all.Wait())
	}
}

// namespace is a network namespace of a test.
type namespace struct{ file *os.File }

// emptyNetwork makes a network namespace that has only a loopback interface.
func emptyNetwork(t *testing.T) namespace {
	t.Helper()
	made := make(chan namespace)
	failed := make(chan error, 1)
	go func() {
		// The thread ends with this goroutine. The file keeps the namespace.
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			failed <- err
			return
		}
		f, err := os.Open(filepath.Join("/proc/self/task", strconv.Itoa(unix.Gettid()), "ns/net"))
		if err != nil {
			failed <- err
			return
		}
		made <- namespace{file: f}
	}()
	select {
	case err := <-failed:
		require.NoError(t, err)
	case n := <-made:
		t.Cleanup(func() { assert.NoError(t, n.file.Close()) })
		return n
	}
	return namespace{}
}

// enter moves the calling goroutine, and the processes that it starts, into the
// namespace until it ends.
func (n namespace) enter() error {
	runtime.LockOSThread()
	return unix.Setns(int(n.file.Fd()), unix.CLONE_NEWNET)
}
