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

// testdata/shell.json was published by a machine whose agent was a shell script.
func TestReadTakesAnOlderMachinesStatus(t *testing.T) {
	f, err := os.Open("testdata/shell.json")
	require.NoError(t, err)
	defer f.Close()
	got, err := Read(f)
	require.NoError(t, err)
	old := service.ReleaseID("9c3f0c1e6bd4a90b7d0c49e1a0a8b5f0b14cf9e9f0bb3f7ac8f0d7e3e4a8a611")
	assert.Equal(t, Status{
		Machine: "api-machine-5f2c1a", Phase: Refused, Wanted: two, Current: old,
		Reason:   "release 222222222222 fails its preflight: it exits at start with status 23",
		Incident: "2026-11-25T18:31:02 nginx.service: Main process exited, code=killed, status=9/KILL",
		Checked:  1795631463,
		Workers:  []Worker{{Worker: 0, Release: old, Ready: true}, {Worker: 1, Release: "", Ready: false}},
	}, got)
	_, ok := got.SinceRefusal()
	assert.False(t, ok, "it does not tell when it refused")
}

// An older program reads the fields that it knows from a newer machine's
// status.
func TestStatusIsReadByOlderPrograms(t *testing.T) {
	newer := Status{Machine: "i-1", Phase: "certifying", Wanted: two, Current: one, Reason: "r", Checked: 9, Refused: 8, Retry: 10, Workers: []Worker{{Worker: 0, Release: one, Ready: true}}}
	content, err := json.Marshal(newer)
	require.NoError(t, err)
	var older struct {
		Machine, Phase, Wanted, Current, Reason string
		Checked                                 int64
		Workers                                 []struct {
			Worker  int
			Release string
			Ready   bool
		}
	}
	require.NoError(t, json.Unmarshal(content, &older))
	assert.Equal(t, "certifying", older.Phase)
	assert.Equal(t, string(one), older.Workers[0].Release)
	assert.True(t, older.Workers[0].Ready)
}

func TestReadToleratesWhatItDoesNotKnow(t *testing.T) {
	got, err := Read(strings.NewReader(`{"phase":"certifying","certificate":{"until":1},"workers":[{"worker":0,"ready":true,"zone":"a"}]}`))
	require.NoError(t, err)
	assert.Equal(t, Phase("certifying"), got.Phase)
	assert.False(t, got.Phase.Settled())
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
