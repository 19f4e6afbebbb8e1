package agent

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// scheduleDisk is a disk with one release that serves.
type scheduleDisk struct {
	someFiles
	current service.ReleaseID
}

func (d scheduleDisk) Readlink(string) (string, error) {
	if d.current == "" {
		return "", fs.ErrNotExist
	}
	return "releases/" + string(d.current), nil
}

func (d scheduleDisk) List(name string) ([]Entry, error) {
	if d.current != "" && path.Base(name) == string(d.current) {
		return []Entry{{Name: "api"}}, nil
	}
	return nil, nil
}

func (scheduleDisk) MakeFolder(string) error { return nil }
func (scheduleDisk) Sync(string) error       { return nil }

// scheduleClock is set by hand. Sleep passes the time, and calls slept.
type scheduleClock struct {
	now     time.Time
	elapsed time.Duration
	slept   func()
}

func (c *scheduleClock) Now() time.Time         { return c.now }
func (c *scheduleClock) Elapsed() time.Duration { return c.elapsed }

func (c *scheduleClock) Sleep(_ context.Context, d time.Duration) error {
	c.now, c.elapsed = c.now.Add(d), c.elapsed+d
	if c.slept != nil {
		c.slept()
	}
	return nil
}

// memoryClaims holds a claim in memory. Read fails as often as away.
type memoryClaims struct {
	claim Claim
	away  int
}

func (c *memoryClaims) Read(context.Context, string) (Claim, error) {
	if c.away > 0 {
		c.away--
		return Claim{}, errors.New("the store is away")
	}
	return c.claim, nil
}

func (c *memoryClaims) Write(_ context.Context, _ string, claim Claim) error {
	c.claim = claim
	return nil
}

const settled = service.ReleaseID("abababababababababababababababababababababababababababababababab")

// clockAt returns a time of 26 November 2026.
func clockAt(text string) time.Time {
	t, err := time.Parse("15:04:05", text)
	if err != nil {
		panic(err)
	}
	return time.Date(2026, 11, 26, t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// newScheduler returns a scheduler of a command at each quarter of an hour.
func newScheduler(now string) (*Scheduler, *scheduleClock, *memoryClaims) {
	clock, claims := &scheduleClock{now: clockAt(now)}, &memoryClaims{}
	tries := 0
	return &Scheduler{
		Schedule: Schedule{Name: "report", Cron: "*/15 * * * *"},
		Disk:     scheduleDisk{someFiles{content: map[string][]byte{}}, settled},
		Clock:    clock, Claims: claims, Log: slog.New(slog.DiscardHandler), Machine: "i-1", Boot: "one",
		NewID: func() string { tries++; return strings.Repeat("x", tries) },
	}, clock, claims
}

func begin(t *testing.T, s *Scheduler) service.ReleaseID {
	t.Helper()
	release, err := s.Begin(t.Context())
	require.NoError(t, err)
	return release
}

func recorded(t *testing.T, s *Scheduler) runs {
	t.Helper()
	r, err := readRuns(s.Disk, "report")
	require.NoError(t, err)
	return r
}

func TestATimeHasOneRun(t *testing.T) {
	s, clock, claims := newScheduler("03:15:00")
	require.Equal(t, settled, begin(t, s))
	assert.Equal(t, clockAt("03:15:00").Unix(), claims.claim.Time)
	assert.Equal(t, settled, recorded(t, s).Running.Release)
	require.NoError(t, s.End(3, "exit-code"))
	last := recorded(t, s).Last
	assert.Equal(t, 3, last.Status)
	assert.Equal(t, "exit-code", last.Result)
	// A timer that fires again, or a machine that starts again, does not run it.
	clock.now = clockAt("03:16:00")
	assert.Empty(t, begin(t, s))
	clock.now = clockAt("03:30:01")
	assert.Equal(t, settled, begin(t, s))
	assert.Zero(t, recorded(t, s).Missed)
}

func TestMissedRunsAreSaid(t *testing.T) {
	for name, tt := range map[string]struct {
		back            string
		runs            bool
		missed, skipped int
	}{
		"a reboot between two times":     {"03:29:00", false, 0, 0},
		"a reboot over one":              {"03:33:00", true, 0, 0},
		"hours, back just after a time":  {"06:02:00", true, 10, 0},
		"hours, back long after a time":  {"06:12:00", false, 11, 0},
		"ten minutes late is the latest": {"03:40:00", true, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s, clock, _ := newScheduler("03:15:00")
			begin(t, s)
			require.NoError(t, s.End(0, "success"))
			clock.now, s.Boot = clockAt(tt.back), "two"
			assert.Equal(t, tt.runs, begin(t, s) != "")
			r := recorded(t, s)
			assert.Equal(t, tt.missed, r.Missed, "missed")
			assert.Equal(t, tt.skipped, r.Skipped, "skipped")
			assert.Empty(t, begin(t, s), "and once")
		})
	}
}

func TestTimesDuringARunAreSkipped(t *testing.T) {
	s, clock, _ := newScheduler("03:15:00")
	begin(t, s)
	clock.now = clockAt("03:50:00") // systemd starts none at 03:30 and 03:45
	require.NoError(t, s.End(0, "success"))
	clock.now = clockAt("04:00:00")
	assert.NotEmpty(t, begin(t, s))
	assert.Equal(t, 2, recorded(t, s).Skipped)
	assert.Zero(t, recorded(t, s).Missed)
}

func TestARunThatEndsWithItsMachineIsInterrupted(t *testing.T) {
	s, clock, _ := newScheduler("03:15:00")
	begin(t, s)
	clock.now, s.Boot = clockAt("03:30:00"), "two"
	assert.NotEmpty(t, begin(t, s))
	assert.Equal(t, interrupted, recorded(t, s).Last.Result)
}

func TestTwoMachinesHaveOneRun(t *testing.T) {
	s, clock, claims := newScheduler("03:15:00")
	// The other machine writes its claim while this one waits.
	clock.slept = func() {
		claims.claim = Claim{Cron: s.Schedule.Cron, Time: clockAt("03:15:00").Unix(), Machine: "i-2", Try: "y"}
	}
	assert.Empty(t, begin(t, s))
	assert.Equal(t, clockAt("03:15:00").Unix(), recorded(t, s).Elsewhere)
	assert.Nil(t, recorded(t, s).Running)
	// The other machine has the next time before this one looks.
	clock.slept, clock.now = nil, clockAt("03:30:00")
	claims.claim.Time = clockAt("03:30:00").Unix()
	assert.Empty(t, begin(t, s))
	// A new machine continues where they were, and knows the times without a run.
	fresh, later, store := newScheduler("04:00:00")
	fresh.Machine, *store = "i-3", *claims
	assert.NotEmpty(t, begin(t, fresh))
	assert.Equal(t, 1, recorded(t, fresh).Missed, "03:45")
	later.now = clockAt("04:00:30")
	assert.Empty(t, begin(t, fresh))
}

func TestAStoreThatIsAway(t *testing.T) {
	s, _, claims := newScheduler("03:15:00")
	claims.away = 3
	assert.Equal(t, settled, begin(t, s), "the run waits for the store")

	// The second look of a claim fails: the claim is this machine's own.
	s, clock, claims := newScheduler("03:15:00")
	clock.slept = func() { claims.away, clock.slept = 1, nil }
	assert.Equal(t, settled, begin(t, s))
	assert.Equal(t, settled, recorded(t, s).Running.Release)

	s, _, claims = newScheduler("03:15:00")
	claims.away = 1 << 30
	_, err := s.Begin(t.Context())
	require.ErrorContains(t, err, "the store is away")
	assert.Nil(t, recorded(t, s).Running)
}

func TestAChangedScheduleHasMissedNothing(t *testing.T) {
	s, clock, _ := newScheduler("03:15:00")
	begin(t, s)
	require.NoError(t, s.End(0, "success"))
	s.Schedule.Cron = "*/20 * * * *"
	clock.now = clockAt("06:00:00")
	assert.NotEmpty(t, begin(t, s))
	assert.Zero(t, recorded(t, s).Missed)
}

func TestAClockThatWasWrong(t *testing.T) {
	s, clock, _ := newScheduler("03:15:00")
	clock.now = clock.now.AddDate(1, 0, 0)
	begin(t, s)
	require.NoError(t, s.End(0, "success"))
	clock.now = clockAt("03:30:00")
	assert.NotEmpty(t, begin(t, s), "a time of next year does not stop the schedule for a year")
	// A clock that is set back by less repeats nothing.
	require.NoError(t, s.End(0, "success"))
	clock.now = clockAt("03:16:00")
	assert.Empty(t, begin(t, s))
}

func TestARunNeedsAReleaseThatServes(t *testing.T) {
	s, _, _ := newScheduler("03:15:00")
	disk := s.Disk.(scheduleDisk)
	disk.current = ""
	s.Disk = disk
	_, err := s.Begin(t.Context())
	require.ErrorContains(t, err, "no release serves on this machine yet")

	// During a roll, it is the release before. A refused one does not count.
	s, _, _ = newScheduler("03:15:00")
	a := &Agent{Disk: s.Disk}
	require.NoError(t, a.remember(rollFile, roll{To: settled, From: "before"}))
	assert.Equal(t, service.ReleaseID("before"), settledRelease(s.Disk))
	require.NoError(t, a.forget(rollFile))
	require.NoError(t, a.remember(refusalFile, refusal{Release: settled}))
	assert.Empty(t, settledRelease(s.Disk))
}

func TestSkippedByHand(t *testing.T) {
	s, _, _ := newScheduler("03:15:00")
	require.NoError(t, s.Skip())
	require.NoError(t, s.Skip())
	assert.Equal(t, 1, recorded(t, s).Skipped)
	assert.Empty(t, begin(t, s))
}
