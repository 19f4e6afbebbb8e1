package screen

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/operate"
	"escala/service"
	"escala/service/event"
	"escala/service/machine"
)

var update = flag.Bool("update", false, "rewrite the screens in testdata")

var (
	now   = time.Date(2026, 11, 26, 9, 0, 0, 0, time.UTC)
	one   = service.ReleaseID(strings.Repeat("1", 64))
	other = service.ReleaseID(strings.Repeat("2", 64))
)

func TestWhatIsNotPricedIsNeverNothing(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]*operate.Cost{
		"unknown": nil,
		"nothing": {},
		"1 resource that is not priced (make plan has the lines)":                         {Unpriced: 1},
		"4.00 USD a month, and 2 resources that are not priced (make plan has the lines)": {Low: 4, High: 4, Unpriced: 2},
	} {
		assert.Equal(t, want, cost(c))
	}
}

// TestATroubleIsShownOnce checks that what is among the problems is not shown beside
// its pod again.
func TestATroubleIsShownOnce(t *testing.T) {
	t.Parallel()
	s := unwell()
	s.Instances = []operate.Instance{{Name: "api-5d4f8c7b9c-abcde", Trouble: "manifest unknown"}, {Name: "api-5d4f8c7b9c-fghij", Trouble: "manifest unknown"}}
	s.Problems = []string{"pod api-5d4f8c7b9c-abcde: ErrImagePull: manifest unknown"}
	var b strings.Builder
	Screen{Out: &b, Now: now}.Status(s)
	assert.Equal(t, 1, strings.Count(b.String(), "trouble "), b.String())
	assert.Contains(t, b.String(), "trouble   api-5d4f8c7b9c-fghij: manifest unknown")
}

func ptr[T any](v T) *T { return &v }

func well() operate.Status {
	return operate.Status{
		Stack: "escala/aws-ec2", Target: "aws-ec2", Well: true, URL: "https://api.example.com", Wanted: one,
		Instances: []operate.Instance{
			{Name: "0", Release: one, Ready: true, Since: ptr(now.Add(-3 * time.Hour)), Restarts: ptr(0), MemoryBytes: ptr(int64(24e6))},
			{Name: "1", Release: one, Ready: true, Since: ptr(now.Add(-50 * time.Hour)), Restarts: ptr(2), MemoryBytes: ptr(int64(25e6))},
		},
		Machines: []operate.Machine{{
			ID: "i-0123456789abcdef0", Phase: machine.Serving, Age: ptr(int64(3)), LastReport: ptr(now), Source: "http", Booted: ptr(now.Add(-100 * time.Hour)),
			DiskFree: ptr(int64(52e8)), DiskTotal: ptr(int64(8e9)), MemoryFree: ptr(int64(3e8)), MemoryTotal: ptr(int64(96e7)),
		}},
		Certificate: &machine.Certificate{Names: []string{"api.example.com", "www.example.com"}, Issuer: "R10", NotAfter: now.AddDate(0, 2, 0).Unix()},
		Incident:    "2026-11-24T03:00:00 exited: api_0 (exit status 1; not expected)",
		Cost:        &operate.Cost{Low: 11.5, High: 11.5},
		Updated:     &operate.Updated{Time: now.Add(-2 * time.Hour), Kind: "up", Result: "succeeded", Who: "Ana, GitHub Actions 42", Seconds: 61},
		Drift:       &operate.Updated{Time: now.Add(-24 * time.Hour), Kind: "refresh", Result: "succeeded", Changes: 2, Drifted: "api-machine, api-address"},
	}
}

func unwell() operate.Status {
	s := well()
	s.Well, s.Certificate, s.Cost, s.Drift, s.Maintenance = false, nil, nil, nil, true
	s.Machines[0] = operate.Machine{ID: "i-0123456789abcdef0", Source: "store", Phase: machine.Refused, LastReport: ptr(now), Age: ptr(int64(4000))}
	s.Instances = []operate.Instance{{Name: "0", Release: other, Trouble: "Redis has been away since 2026-11-26T03:00:00.000Z"}}
	s.Problems = []string{"machine i-0123456789abcdef0: not heard of for 1 h 6 min; it writes every 5 min", strings.Repeat("x", 200)}
	s.Unknown = []string{"since, restarts, memory and disk of machine i-0123456789abcdef0: no credentials for AWS: set AWS_ACCESS_KEY_ID"}
	return s
}

func cluster() operate.Status {
	s := well()
	s.Target, s.Machines, s.Pods = "kubernetes", nil, &operate.Pods{Wanted: 2, Ready: 2, Min: 2, Max: 10}
	s.Command = &operate.CommandRun{Release: one, Began: now.Add(-3 * time.Hour), Result: "failed", Seconds: 12, Text: "Error, exit status 3"}
	s.Cost = &operate.Cost{Low: 60, High: 120.5, Unpriced: 1}
	s.Instances[0].Name = "a-service-with-a-very-long-name-indeed-5d4f8c7b9c-abcde"
	s.Instances[1].Name, s.Instances[1].MemoryBytes = "a-service-with-a-very-long-name-indeed-5d4f8c7b9c-fghij", nil
	return s
}

func TestScreens(t *testing.T) {
	events := []event.Event{
		{Time: now, Kind: event.Update, Result: event.Succeeded, Seconds: 61, Release: one, Commit: strings.Repeat("a", 40), Who: "Ana, GitHub Actions 42"},
		{Time: now, Kind: event.Rollback, Result: event.Failed, Seconds: 5, Text: "release 222222222222 does not serve after 31s: it exits at start with status 2, as it did before that"},
		{Time: now, Kind: event.Command, Release: other, Instance: "api-release-2", Result: event.Failed, Seconds: 12, Text: "Error, exit status 3"},
		{Time: now, Kind: event.Incident, Instance: "i-0123456789abcdef0", Text: "2026-11-24T03:00:00 exited: api_0 (exit status 1; not expected)"},
	}
	for name, show := range map[string]func(Screen){
		"well":    func(s Screen) { s.Status(well()) },
		"unwell":  func(s Screen) { s.Status(unwell()) },
		"cluster": func(s Screen) { s.Status(cluster()) },
		"events":  func(s Screen) { s.Events(events) },
	} {
		t.Run(name, func(t *testing.T) {
			var out, colored strings.Builder
			show(Screen{Out: &out, Now: now})
			for line := range strings.Lines(out.String()) {
				assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), width, line)
				assert.Equal(t, strings.TrimRight(line, " \n")+"\n", line)
			}
			assert.NotContains(t, out.String(), "\x1b")
			show(Screen{Out: &colored, Now: now, Color: true})
			assert.Contains(t, colored.String(), "\x1b[")
			path := filepath.Join("testdata", name+".txt")
			if *update {
				require.NoError(t, os.WriteFile(path, []byte(out.String()), 0o600))
			}
			want, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, string(want), out.String())
		})
	}
}

// TestNothingKnownIsUnknown checks that unknown values are never shown as good.
func TestNothingKnownIsUnknown(t *testing.T) {
	var out strings.Builder
	Screen{Out: &out, Now: now}.Status(operate.Status{Stack: "escala/x", Target: "x"})
	assert.Contains(t, out.String(), "escala/x on x is unwell")
	assert.Contains(t, out.String(), "release   unknown")
	assert.Contains(t, out.String(), "updated   unknown")
	assert.NotContains(t, strings.ReplaceAll(out.String(), "unwell", ""), "well")
}
