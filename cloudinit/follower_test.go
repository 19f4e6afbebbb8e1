package cloudinit

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	osuser "os/user"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// bench is a machine's files in a folder, with a real supervisord, a release
// store and no systemd: what the release follower works with.
type bench struct {
	root, store string
	spec        service.Spec
	built       map[string]service.Release
}

// follower's status, as published.
type status struct {
	Phase, Reason, Incident string
	Wanted, Current         service.ReleaseID
	Attempts                int
	Workers                 []struct {
		Release service.ReleaseID
		Ready   bool
	}
}

func newBench(t *testing.T) *bench {
	t.Helper()
	asRoot(t, "the follower runs as root and the service does not")
	for _, program := range []string{"supervisord", "curl", "setpriv"} {
		tool(t, program, "supervisor curl util-linux")
	}

	// Short, for Unix sockets' paths have a limit; open, for the service's user.
	root, err := os.MkdirTemp("", "m")
	require.NoError(t, err)
	require.NoError(t, os.Chmod(root, 0o755))
	t.Cleanup(func() {
		if t.Failed() {
			for _, name := range []string{"var/lib/escala/refused", "var/log/escala/worker-0.log"} {
				content, _ := os.ReadFile(filepath.Join(root, name))
				t.Logf("%s:\n%s", name, content)
			}
		}
		assert.NoError(t, os.RemoveAll(root))
	})

	b := &bench{root: root, store: filepath.Join(root, "store"), spec: service.NewSpec(), built: map[string]service.Release{}}
	b.spec.Port = freePort(t)
	b.spec.Lifecycle.Start = 10 * time.Second
	b.spec.Lifecycle.Steady = 0
	b.spec.Lifecycle.Stop = 10 * time.Second
	b.spec.Lifecycle.Drain = 1500 * time.Millisecond
	b.spec.Lifecycle.Linger = time.Second
	b.spec.Lifecycle.CloseJitter = 0
	b.spec.Lifecycle.Announce = 0
	m := NewMachine(b.spec)
	m.Root = root
	m.Poll = time.Second
	require.NoError(t, m.validate())
	files, err := m.files()
	require.NoError(t, err)
	for _, f := range files {
		mode, err := strconv.ParseUint(f.Permissions(), 8, 32)
		require.NoError(t, err)
		require.NoError(t, os.MkdirAll(filepath.Dir(f.Path), 0o755))
		// An account that every Debian has.
		content := strings.NewReplacer("\nuser="+User+"\n", "\nuser=nobody\n", "SERVICE_USER='"+User+"'", "SERVICE_USER=nobody").Replace(f.Content)
		require.NoError(t, os.WriteFile(f.Path, []byte(content), os.FileMode(mode)))
	}
	for _, folder := range []string{"opt/escala/releases", "var/lib/escala", "var/log/escala", "var/log/supervisor", "run/escala", "run/escala-release", "store/releases"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, folder), 0o755))
	}
	nobody, err := osuser.Lookup("nobody")
	require.NoError(t, err)
	uid, err := strconv.Atoi(nobody.Uid)
	require.NoError(t, err)
	require.NoError(t, os.Chown(filepath.Join(root, "run/escala"), uid, -1))
	b.supervise(t)
	return b
}

// supervise starts supervisord; the end of the test ends it and its workers.
func (b *bench) supervise(t *testing.T) {
	t.Helper()
	cmd := exec.Command("supervisord", "--nodaemon", "--configuration", filepath.Join(b.root, "etc/supervisor/supervisord.conf"))
	cmd.Env = append(os.Environ(), "ESCALA_ROOT="+b.root)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, cmd.Start())
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		killer := time.AfterFunc(time.Minute, func() { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) })
		defer killer.Stop()
		_ = cmd.Wait()
	})
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// release builds a variant and puts it into the store.
func (b *bench) release(t *testing.T, variant string) service.Release {
	t.Helper()
	if r, ok := b.built[variant]; ok {
		return r
	}
	out := filepath.Join(t.TempDir(), "release")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w -X main.variant="+variant, "-o", out, "./testdata/release")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
	content, err := os.ReadFile(out)
	require.NoError(t, err)
	sum := sha256.Sum256(content)
	r := service.Release{ID: service.ReleaseID(hex.EncodeToString(sum[:])), Size: int64(len(content))}
	require.NoError(t, os.WriteFile(filepath.Join(b.store, r.Key()), content, 0o644))
	b.built[variant] = r
	return r
}

func (b *bench) point(t *testing.T, pointer string) {
	t.Helper()
	require.NoError(t, os.WriteFile(filepath.Join(b.store, service.PointerKey), []byte(pointer), 0o644))
}

func (b *bench) follower(ctx context.Context, trace bool, verb string) *exec.Cmd {
	args := []string{filepath.Join(b.root, programsFolder, "release-follower"), verb}
	if trace {
		args = append([]string{"-x"}, args...)
	}
	cmd := exec.CommandContext(ctx, "sh", args...)
	cmd.Env = append(os.Environ(), "ESCALA_ROOT="+b.root, "ESCALA_STORE="+b.store)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

// once runs one round and returns what it published.
func (b *bench) once(t *testing.T) status {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	said, err := b.follower(ctx, false, "once").CombinedOutput()
	require.NoError(t, err, "%s", said)
	return b.status(t)
}

func (b *bench) status(t *testing.T) status {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(b.root, "run/escala-release/status.json"))
	require.NoError(t, err)
	var s status
	require.NoError(t, json.Unmarshal(content, &s), "%s", content)
	return s
}

// serves asserts that the machine is on the release, with all workers.
func (b *bench) serves(t *testing.T, s status, r service.Release) {
	t.Helper()
	assert.Equal(t, r.ID, s.Current)
	for i, w := range s.Workers {
		assert.Equal(t, r.ID, w.Release, "worker %d", i)
		assert.True(t, w.Ready, "worker %d", i)
	}
	assert.Len(t, s.Workers, b.spec.Workers.Count)
	assert.Equal(t, r.ID, b.get(t))
}

// get asks on the shared port which release answers.
func (b *bench) get(t *testing.T) service.ReleaseID {
	t.Helper()
	release, err := b.ask()
	require.NoError(t, err)
	return release
}

// answering is which release answers, or "" if none does.
func (b *bench) answering() service.ReleaseID {
	release, err := b.ask()
	if err != nil {
		return ""
	}
	return release
}

func (b *bench) ask() (service.ReleaseID, error) {
	client := http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get(fmt.Sprintf("http://127.0.0.1:%d/", b.spec.Port))
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	return service.ReleaseID(resp.Header.Get("X-Release")), nil
}

func TestFollowerInstallsReplacesAndGoesBack(t *testing.T) {
	t.Parallel()
	b := newBench(t)

	s := b.once(t)
	assert.Equal(t, "failing", s.Phase)
	assert.Contains(t, s.Reason, "the release store has no object current")

	one := b.release(t, "one")
	b.point(t, one.Pointer())
	s = b.once(t)
	assert.Equal(t, "serving", s.Phase)
	assert.Empty(t, s.Reason)
	b.serves(t, s, one)

	two := b.release(t, "two")
	b.point(t, two.Pointer())
	s = b.once(t)
	assert.Equal(t, "serving", s.Phase)
	b.serves(t, s, two)

	b.point(t, one.Pointer())
	b.serves(t, b.once(t), one)
}

func TestFollowerRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.release(t, "good")
	b.point(t, good.Pointer())
	b.serves(t, b.once(t), good)

	for variant, want := range map[string]string{
		"exits":           "fails its preflight: it exits at start with status 7",
		"never-ready":     "fails its preflight: it is not ready within 10 s",
		"unhealthy":       "fails its preflight: /health answers 500, not 200",
		"lies":            "fails its preflight: it answers as release 000000",
		"hangs":           "fails its preflight: it does not end within 10 s of SIGTERM",
		"fails-as-worker": "worker 0 does not come up with release",
	} {
		t.Run(variant, func(t *testing.T) {
			bad := b.release(t, variant)
			b.point(t, bad.Pointer())
			s := b.once(t)
			assert.Equal(t, "refused", s.Phase)
			assert.Equal(t, bad.ID, s.Wanted)
			assert.Contains(t, s.Reason, want)
			b.serves(t, s, good)

			// It stays refused, and is not tried again, until another is wanted.
			again := b.once(t)
			assert.Equal(t, s.Reason, again.Reason)
			b.serves(t, again, good)
			b.point(t, good.Pointer())
			assert.Equal(t, "serving", b.once(t).Phase)
			assert.NoFileExists(t, filepath.Join(b.root, "var/lib/escala/refused"))
		})
	}
}

func TestFollowerTriesAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	good := b.release(t, "good")
	b.point(t, good.Pointer())
	b.serves(t, b.once(t), good)
	next := b.release(t, "next")
	stored := filepath.Join(b.store, next.Key())
	content, err := os.ReadFile(stored)
	require.NoError(t, err)

	for name, spoil := range map[string]struct {
		do   func(t *testing.T)
		want string
	}{
		"wrong checksum": {func(t *testing.T) {
			wrong := append([]byte{}, content...)
			wrong[len(wrong)/2] ^= 1
			require.NoError(t, os.WriteFile(stored, wrong, 0o644))
		}, "is not what it should be: its SHA-256 is"},
		"truncated": {func(t *testing.T) {
			require.NoError(t, os.WriteFile(stored, content[:len(content)-1], 0o644))
		}, fmt.Sprintf("it has %d bytes, not %d", next.Size-1, next.Size)},
		"missing": {func(t *testing.T) {
			require.NoError(t, os.Remove(stored))
		}, "the release store has no object releases/"},
		"broken pointer": {func(t *testing.T) {
			b.point(t, string(next.ID[:60]))
		}, "the release pointer is not a SHA-256 and a size"},
		"a pointer that is a command": {func(t *testing.T) {
			b.point(t, "$(reboot) 12\n")
		}, "the release pointer is not a SHA-256 and a size"},
		"too large for the disk": {func(t *testing.T) {
			b.point(t, fmt.Sprintf("%s %d\n", next.ID, int64(1)<<50))
		}, "MiB free, release"},
	} {
		t.Run(name, func(t *testing.T) {
			b.point(t, next.Pointer())
			spoil.do(t)
			s := b.once(t)
			assert.Equal(t, "failing", s.Phase)
			assert.Contains(t, s.Reason, spoil.want)
			b.serves(t, s, good)

			require.NoError(t, os.WriteFile(stored, content, 0o644))
			b.point(t, next.Pointer())
			b.serves(t, b.once(t), next)
			require.NoError(t, os.RemoveAll(filepath.Join(b.root, "opt/escala/releases", string(next.ID))))
			b.point(t, good.Pointer())
			b.serves(t, b.once(t), good)
			require.NoError(t, os.RemoveAll(filepath.Join(b.root, "opt/escala/releases", string(next.ID))))
		})
	}
}

func TestFollowerKeepsTheLastReleases(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var last []service.Release
	for i := range service.KeptReleases + 2 {
		r := b.release(t, "number-"+strconv.Itoa(i))
		b.point(t, r.Pointer())
		b.serves(t, b.once(t), r)
		last = append(last, r)
	}
	entries, err := os.ReadDir(filepath.Join(b.root, "opt/escala/releases"))
	require.NoError(t, err)
	var kept, want []string
	for _, e := range entries {
		kept = append(kept, e.Name())
	}
	for _, r := range last[2:] {
		want = append(want, string(r.ID))
	}
	assert.ElementsMatch(t, want, kept)
}

// TestFollowerSurvivesBeingKilledAtEveryStep kills the follower, with all that
// it started, at each command that a rollout executes, each time where the time
// before left off. The port must answer throughout, and in the end the release
// must be there.
func TestFollowerSurvivesBeingKilledAtEveryStep(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	one, two := b.release(t, "one"), b.release(t, "two")
	b.point(t, one.Pointer())
	b.serves(t, b.once(t), one)

	// What a command is about does not make it another command.
	detail := regexp.MustCompile(`[0-9a-f]{12,}|[0-9.]+|/[^ ']*`)
	killedAt := map[string]bool{}
	kills := 0
	deadline := time.Now().Add(4 * time.Minute)
	for _, wanted := range []service.Release{two, one} {
		b.point(t, wanted.Pointer())
		for time.Now().Before(deadline) {
			cmd := b.follower(t.Context(), true, "once")
			trace, err := cmd.StderrPipe()
			require.NoError(t, err)
			require.NoError(t, cmd.Start())
			killed := false
			lines := bufio.NewScanner(trace)
			lines.Buffer(nil, 1<<20)
			for lines.Scan() {
				command := detail.ReplaceAllString(lines.Text(), "#")
				if !killed && !killedAt[command] {
					killedAt[command] = true
					killed = true
					kills++
					require.NoError(t, syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL))
				}
			}
			err = cmd.Wait()
			b.whole(t)
			assert.Contains(t, []service.ReleaseID{one.ID, two.ID}, b.get(t), "after a kill")
			if !killed {
				require.NoError(t, err)
				break
			}
		}
		require.True(t, time.Now().Before(deadline), "it did not get there in time")
		b.serves(t, b.status(t), wanted)
	}
	t.Logf("killed %d times", kills)
	assert.Greater(t, kills, 60)
}

// whole asserts that whatever a worker would start now is complete.
func (b *bench) whole(t *testing.T) {
	t.Helper()
	link, err := os.Readlink(filepath.Join(b.root, "opt/escala/current"))
	require.NoError(t, err)
	content, err := os.ReadFile(filepath.Join(b.root, "opt/escala", link, b.spec.Name))
	require.NoError(t, err)
	sum := sha256.Sum256(content)
	assert.Equal(t, filepath.Base(link), hex.EncodeToString(sum[:]))
}
