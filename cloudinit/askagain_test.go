package cloudinit

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
	"escala/service/machine"
)

// TestTheNextUpdateAsksAgain checks that a release that was refused for a temporary
// reason serves at once after the next update, which asks for the same release
// again. The release before serves meanwhile.
func TestTheNextUpdateAsksAgain(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]func(t *testing.T) passing{
		"its dependency is away": dependencyAway,
		"its port is taken":      portTaken,
		"the disk is full":       diskFull,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := prepare(t)
			p.point(t, service.Wanted{Release: p.good, RequestedAt: 1}.Pointer())
			require.Equal(t, machine.Serving, p.runOnce(t).Phase)

			end := p.begin(t)
			p.point(t, service.Wanted{Release: p.next, RequestedAt: 2}.Pointer())
			s := p.runOnce(t)
			assert.Equal(t, p.phase, s.Phase, s.Reason)
			assert.Contains(t, s.Reason, p.message)
			assert.Equal(t, p.good.ID, p.answers(t), "what served serves")

			end()
			if p.phase == machine.Refused {
				again := p.runOnce(t)
				assert.Equal(t, machine.Refused, again.Phase)
				assert.Equal(t, s.Refused, again.Refused, "nothing is tried until its pause is over")
			}
			p.point(t, service.Wanted{Release: p.next, RequestedAt: 3}.Pointer())
			s = p.runOnce(t)
			assert.Equal(t, machine.Serving, s.Phase, s.Reason)
			assert.Equal(t, p.next.ID, p.answers(t))
		})
	}
}

// passing is a bench whose next release does not serve between begin and its end.
type passing struct {
	*bench
	good, next service.Release
	begin      func(t *testing.T) (end func())
	phase      machine.Phase
	message    string
	// answers returns the release that answers.
	answers func(t *testing.T) service.ReleaseID
}

func dependencyAway(t *testing.T) passing {
	t.Helper()
	away := switchFile(t)
	b := newBench(t, func(s *service.Spec) { s.Env = map[string]string{"UNREADY_FILE": away} })
	return passing{
		bench: b, good: b.release(t, "good"), next: b.release(t, "next"), answers: b.get,
		begin: func(t *testing.T) func() {
			require.NoError(t, os.WriteFile(away, nil, 0o644))
			return func() { require.NoError(t, os.Remove(away)) }
		},
		phase: machine.Refused, message: "fails its preflight: it is not ready within 10 s: GET /ready answers 503, not 200",
	}
}

// portTaken makes another program listen on a port that the next workers need.
func portTaken(t *testing.T) passing {
	t.Helper()
	b, address := newPythonBench(t)
	return passing{
		bench: b, good: b.python(t, "one"), next: b.python(t, "two"),
		answers: func(t *testing.T) service.ReleaseID {
			t.Helper()
			return releaseAt(t, address)
		},
		begin: func(t *testing.T) func() {
			var taken []net.Listener
			for port := b.spec.Workers.PortsBase; len(taken) < b.spec.Workers.Count; port++ {
				if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
					taken = append(taken, l)
				}
			}
			return func() {
				for _, l := range taken {
					require.NoError(t, l.Close())
				}
			}
		},
		phase: machine.Refused, message: "worker 0 does not come up with release",
	}
}

// diskFull puts the releases on a small file system of their own.
func diskFull(t *testing.T) passing {
	t.Helper()
	b := newBench(t)
	releases := filepath.Join(b.root, "opt/escala/releases")
	if err := syscall.Mount("tmpfs", releases, "tmpfs", 0, "size=96m,mode=0755"); err != nil {
		t.Skipf("mounting a file system: %v", err)
	}
	t.Cleanup(func() { assert.NoError(t, syscall.Unmount(releases, syscall.MNT_DETACH)) })
	return passing{
		bench: b, good: b.release(t, "good"), next: b.release(t, "next"), answers: b.get,
		begin: func(t *testing.T) func() {
			var fs syscall.Statfs_t
			require.NoError(t, syscall.Statfs(releases, &fs))
			filler := filepath.Join(releases, ".filler")
			require.NoError(t, os.WriteFile(filler, make([]byte, (int64(fs.Bavail)-1)*fs.Bsize), 0o600))
			return func() { require.NoError(t, os.Remove(filler)) }
		},
		phase: machine.Failing, message: "MiB free, release",
	}
}

// releaseAt returns the release that answers at an address.
func releaseAt(t *testing.T, address string) service.ReleaseID {
	t.Helper()
	resp, err := http.Get("http://" + address + "/")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	return service.ReleaseID(resp.Header.Get("X-Release"))
}
