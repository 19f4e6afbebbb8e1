package machine

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

var (
	one = service.ReleaseID(strings.Repeat("1", 64))
	two = service.ReleaseID(strings.Repeat("2", 64))
)

// TestReadTakesAnOlderMachinesStatus checks two status files of a machine of
// commit c629307, whose agent was a shell script. The machine published the first
// while it served. It published the second after its wanted release had become a
// copy of /bin/false and its Nginx had been killed.
func TestReadTakesAnOlderMachinesStatus(t *testing.T) {
	const (
		good  = service.ReleaseID("6d1d6c7b0dc52b924d2697ac74a94f777b96970267cb527fca2d272548463d0d")
		wrong = service.ReleaseID("7faadececbd287e494595d6a8203bc521e4463c682a496569187a77e761156bc")
	)
	workers := []Worker{{Worker: 0, Release: good, Ready: true}, {Worker: 1, Release: good, Ready: true}}
	serving := read(t, "testdata/shell-serving.json")
	assert.Equal(t, Status{Machine: "m", Phase: Serving, Wanted: good, Current: good, Checked: 1795673981, Workers: workers}, serving)
	ok, missing := serving.Serves(good, 2)
	assert.True(t, ok, missing)

	refused := read(t, "testdata/shell.json")
	assert.Equal(t, Status{
		Machine: "m", Phase: Refused, Wanted: wrong, Current: good,
		Reason:   "release 7faadececbd2 fails its preflight: it exits at start with status 1",
		Incident: "2026-11-26T06:29:41 nginx.service: Main process exited, code=killed, status=9/KILL",
		Checked:  1795674582, Workers: workers,
	}, refused)
	_, ok = refused.SinceRefusal()
	assert.False(t, ok, "it does not tell when it refused")
	_, missing = refused.Serves(wrong, 2)
	assert.Equal(t, refused.Reason, missing)
}

func read(t *testing.T, path string) Status {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	s, err := Read(f)
	require.NoError(t, err)
	return s
}

// TestStatusIsReadByOlderPrograms checks that a program of commit c629307 reads
// the fields that it knows from the status of a newer machine.
func TestStatusIsReadByOlderPrograms(t *testing.T) {
	newer := Status{
		Machine: "i-1", Phase: "certifying", Wanted: two, Current: one, Reason: "r", Incident: "i", Attempts: 3, Checked: 9, Refused: 8, Retry: 10,
		Workers: []Worker{{Worker: 0, Release: one, Ready: true, Trouble: "Redis has been away since T"}},
	}
	content, err := json.Marshal(newer)
	require.NoError(t, err)
	// This is the status as that commit defined it.
	type worker struct {
		Worker  int    `json:"worker"`
		Release string `json:"release"`
		Ready   bool   `json:"ready"`
	}
	var older struct {
		Machine  string   `json:"machine"`
		Phase    string   `json:"phase"`
		Wanted   string   `json:"wanted"`
		Current  string   `json:"current"`
		Reason   string   `json:"reason"`
		Attempts int      `json:"attempts"`
		Checked  int64    `json:"checked"`
		Workers  []worker `json:"workers"`
	}
	require.NoError(t, json.Unmarshal(content, &older))
	assert.Equal(t, "i-1", older.Machine)
	assert.Equal(t, "certifying", older.Phase)
	assert.Equal(t, string(two), older.Wanted)
	assert.Equal(t, string(one), older.Current)
	assert.Equal(t, "r", older.Reason)
	assert.Equal(t, 3, older.Attempts)
	assert.EqualValues(t, 9, older.Checked)
	assert.Equal(t, []worker{{Worker: 0, Release: string(one), Ready: true}}, older.Workers)
}

func TestReadToleratesWhatItDoesNotKnow(t *testing.T) {
	got, err := Read(strings.NewReader(`{"phase":"certifying","certificate":{"until":1},"workers":[{"worker":0,"ready":true,"zone":"a"}]}`))
	require.NoError(t, err)
	assert.Equal(t, Phase("certifying"), got.Phase)
	assert.True(t, got.Workers[0].Ready)
	_, err = Read(strings.NewReader("<html>"))
	require.ErrorContains(t, err, "reading the machine's status")
}

func TestServes(t *testing.T) {
	good := Status{Phase: Serving, Wanted: two, Workers: []Worker{{Worker: 0, Release: two, Ready: true}, {Worker: 1, Release: two, Ready: true}}}
	for name, tt := range map[string]struct {
		change func(*Status)
		want   string
	}{
		"serves":            {func(*Status) {}, ""},
		"not seen":          {func(s *Status) { s.Wanted = one }, "the machine has not yet seen release 222222222222"},
		"not seen, and why": {func(s *Status) { s.Wanted, s.Reason = one, "read-only" }, "the machine has not yet seen release 222222222222: read-only"},
		"not seen, refused": {func(s *Status) { s.Phase, s.Wanted, s.Reason = Refused, one, "it exits" }, "the machine has not yet seen release 222222222222; it refused release 111111111111 before: it exits"},
		"a worker missing":  {func(s *Status) { s.Workers = s.Workers[:1] }, "1 workers are there, not 2"},
		"failing":           {func(s *Status) { s.Phase, s.Reason = Failing, "the disk is full" }, "the disk is full"},
		"another release": {func(s *Status) {
			s.Workers = []Worker{{Worker: 0, Release: two, Ready: true}, {Worker: 1, Release: one, Ready: true}}
		}, "worker 1 runs release 111111111111"},
		"no release": {func(s *Status) {
			s.Workers = []Worker{{Worker: 0, Release: two, Ready: true}, {Worker: 1, Ready: true}}
		}, "worker 1 runs no release"},
		"not ready": {func(s *Status) {
			s.Workers = []Worker{{Worker: 0, Release: two}, {Worker: 1, Release: two, Ready: true}}
		}, "worker 0 is not ready"},
	} {
		t.Run(name, func(t *testing.T) {
			s := good
			tt.change(&s)
			ok, missing := s.Serves(two, 2)
			assert.Equal(t, tt.want == "", ok)
			assert.Equal(t, tt.want, missing)
		})
	}
	assert.Equal(t, 2, good.ReadyOn(two))
}

func TestSinceRefusal(t *testing.T) {
	age, ok := Status{Checked: 100, Refused: 70}.SinceRefusal()
	assert.True(t, ok)
	assert.Equal(t, 30*time.Second, age)
	_, ok = Status{Checked: 60, Refused: 70}.SinceRefusal()
	assert.False(t, ok, "the clock was set back")
}

func TestTroubleIsPublicWithoutItsReason(t *testing.T) {
	away := PublicTrouble("Redis has been away since 2026-11-26T03:00:00.000Z: dial tcp 10.0.0.3:6379: connect: connection refused")
	assert.Equal(t, "Redis has been away since 2026-11-26T03:00:00.000Z", away)
	s := Status{Workers: []Worker{{Trouble: away}, {Trouble: away}, {}}}
	assert.Equal(t, away, s.Trouble(), "once, whoever tells it")
	assert.Empty(t, PublicTrouble(""))
	assert.Equal(t, "Redis has been away since T; the trace collector has been away since T", PublicTrouble("Redis has been away since T: x; the trace collector has been away since T: y"))
}
