package agent

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// fakeProxy records its upstreams, and has requests in flight.
type fakeProxy struct {
	current []Upstream
	used    [][]Upstream
	busy    []map[int]int // the answers to Busy, one after the other
	asked   int
	err     error
}

func (p *fakeProxy) Current() ([]Upstream, error) { return p.current, nil }

func (p *fakeProxy) Use(_ context.Context, upstreams []Upstream) error {
	p.used = append(p.used, upstreams)
	return nil
}

func (p *fakeProxy) Busy(context.Context) (map[int]int, error) {
	p.asked++
	if len(p.busy) == 0 {
		return nil, p.err
	}
	now := p.busy[0]
	if len(p.busy) > 1 {
		p.busy = p.busy[1:]
	}
	return now, p.err
}

// handClock is a clock whose time passes only in Sleep.
type handClock struct{ elapsed time.Duration }

func (c *handClock) Now() time.Time         { return time.Unix(0, 0).Add(c.elapsed) }
func (c *handClock) Elapsed() time.Duration { return c.elapsed }
func (c *handClock) Sleep(ctx context.Context, d time.Duration) error {
	c.elapsed += d
	return ctx.Err()
}

var (
	oldRelease = service.ReleaseID(strings.Repeat("a", 64))
	newRelease = service.ReleaseID(strings.Repeat("b", 64))
)

// at returns an occupant of a slot whose process runs a release.
func at(slot int, process string, release service.ReleaseID, ready bool) occupant {
	return occupant{slot: slot, Slot: Slot{State: SlotRunning, Process: process, Release: release}, answers: release, ready: ready}
}

func routing(p *fakeProxy) *Agent {
	return &Agent{
		Config: Config{Workers: 2, Mode: service.WorkersPorts, Runtime: service.RuntimeNone, Drain: Duration(5 * time.Second)},
		Proxy:  p, Clock: &handClock{}, Log: slog.New(slog.DiscardHandler),
	}
}

func TestTheProxyIsLedToTheBestProcessOfEachWorker(t *testing.T) {
	empty := func(slot int) occupant { return occupant{slot: slot, Slot: Slot{State: SlotStopped}} }
	stopping := at(0, "p0", oldRelease, true)
	stopping.State = SlotStopping
	for name, test := range map[string]struct {
		slots   []occupant
		current []Upstream
		without []int
		want    []Upstream
	}{
		"both old":                     {[]occupant{at(0, "p0", oldRelease, true), at(1, "p1", oldRelease, true), empty(2), empty(3)}, nil, nil, []Upstream{{0, 0, oldRelease}, {1, 1, oldRelease}}},
		"a new one that is not ready":  {[]occupant{at(0, "p0", oldRelease, true), at(1, "p1", oldRelease, true), at(2, "p2", newRelease, false), empty(3)}, nil, nil, []Upstream{{0, 0, oldRelease}, {1, 1, oldRelease}}},
		"a new one that is ready":      {[]occupant{at(0, "p0", oldRelease, true), at(1, "p1", oldRelease, true), at(2, "p2", newRelease, true), empty(3)}, nil, nil, []Upstream{{2, 0, newRelease}, {1, 1, oldRelease}}},
		"one that ends":                {[]occupant{stopping, at(1, "p1", oldRelease, true), empty(2), empty(3)}, nil, nil, []Upstream{{1, 1, oldRelease}}},
		"without one":                  {[]occupant{at(0, "p0", oldRelease, true), at(1, "p1", oldRelease, true), empty(2), empty(3)}, nil, []int{0}, []Upstream{{1, 1, oldRelease}}},
		"without all there are":        {[]occupant{at(0, "p0", oldRelease, true), empty(1), empty(2), empty(3)}, nil, []int{0}, nil},
		"unready, and never was ready": {[]occupant{at(0, "p0", oldRelease, false), at(1, "p1", oldRelease, true), empty(2), empty(3)}, nil, nil, []Upstream{{1, 1, oldRelease}}},
		"unready, and it served":       {[]occupant{at(0, "p0", oldRelease, false), at(1, "p1", oldRelease, true), empty(2), empty(3)}, []Upstream{{0, 0, oldRelease}}, nil, []Upstream{{0, 0, oldRelease}, {1, 1, oldRelease}}},
	} {
		t.Run(name, func(t *testing.T) {
			p := &fakeProxy{current: test.current}
			a := routing(p)
			require.NoError(t, a.route(t.Context(), view{slots: test.slots, current: newRelease}, test.without...))
			if test.want == nil {
				assert.Empty(t, p.used)
				return
			}
			assert.Equal(t, [][]Upstream{test.want}, p.used)
		})
	}
}

// TestANewProcessInAServingSlotWaits checks that a process which the supervisor has
// started again gets no request before it is ready, although the one before served.
func TestANewProcessInAServingSlotWaits(t *testing.T) {
	p := &fakeProxy{}
	a := routing(p)
	second := at(1, "p1", oldRelease, true)
	for _, slots := range [][]occupant{
		{at(0, "p0", oldRelease, true), second},
		{at(0, "p0", oldRelease, false), second},
		{at(0, "again", oldRelease, false), second},
		{at(0, "again", oldRelease, true), second},
	} {
		require.NoError(t, a.route(t.Context(), view{slots: slots, current: oldRelease}))
	}
	both, one := []Upstream{{0, 0, oldRelease}, {1, 1, oldRelease}}, []Upstream{{1, 1, oldRelease}}
	assert.Equal(t, [][]Upstream{both, both, one, both}, p.used)
}

// diskFolder is a Disk in a folder, with what archives need.
type diskFolder struct {
	Disk
	root string
}

func (d diskFolder) Open(name string) (io.ReadCloser, error) {
	return os.Open(filepath.Join(d.root, name))
}

func (d diskFolder) Readlink(name string) (string, error) {
	return os.Readlink(filepath.Join(d.root, name))
}

func TestAnArchiveThatLeadsOutIsRefused(t *testing.T) {
	here := tar.Header{Name: "here", Linkname: ".", Typeflag: tar.TypeSymlink}
	for name, entries := range map[string][]tar.Header{
		"a name above":    {{Name: "../x", Typeflag: tar.TypeReg}},
		"an absolute one": {{Name: "/x", Typeflag: tar.TypeReg}},
		"a link above":    {{Name: "lib/x", Linkname: "../../x", Typeflag: tar.TypeSymlink}},
		"a link outside":  {{Name: "lib/x", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}},
		"a device":        {{Name: "x", Typeflag: tar.TypeChar}},
		// The link seems to lead to the folder itself, but "here" is ".", so it is
		// made as "x" and leads to "..".
		"a link below a link":   {here, {Name: "here/x", Linkname: "..", Typeflag: tar.TypeSymlink}},
		"a file below a link":   {here, {Name: "here/x", Typeflag: tar.TypeReg}},
		"a file in its place":   {here, {Name: "here", Typeflag: tar.TypeReg}},
		"a link through a link": {here, {Name: "x", Linkname: "here/../y", Typeflag: tar.TypeSymlink}},
	} {
		t.Run(name, func(t *testing.T) {
			var b bytes.Buffer
			w := tar.NewWriter(&b)
			for _, h := range entries {
				require.NoError(t, w.WriteHeader(&h))
			}
			require.NoError(t, w.Close())
			d := diskFolder{root: t.TempDir()}
			require.NoError(t, os.WriteFile(filepath.Join(d.root, archiveName), b.Bytes(), 0o600))
			err := walkArchive(d, archiveName, func(h *tar.Header, _ io.Reader) error {
				if len(entries) > 1 && h.Name == here.Name && h.Typeflag == here.Typeflag {
					return nil
				}
				return errors.New("visited")
			})
			require.ErrorContains(t, err, "the release's archive has")
		})
	}
}

func TestEqualReaders(t *testing.T) {
	long := strings.Repeat("x", 200<<10)
	for _, test := range []struct {
		x, y string
		want bool
	}{{"", "", true}, {"a", "a", true}, {"a", "b", false}, {"a", "", false}, {"", "a", false}, {long, long, true}, {long, long + "x", false}, {long + "x", long, false}} {
		same, err := equal(strings.NewReader(test.x), strings.NewReader(test.y))
		require.NoError(t, err)
		assert.Equal(t, test.want, same, "%d and %d bytes", len(test.x), len(test.y))
	}
}
