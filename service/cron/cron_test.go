package cron

import (
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// reference reads an expression in the way of crontab(5), item by item. The
// returned function reports whether the expression has a minute.
func reference(text string) func(time.Time) bool {
	parts := strings.Fields(text)
	var on [5][60]bool
	for i, part := range parts {
		for item := range strings.SplitSeq(part, ",") {
			values, step, stepped := strings.Cut(item, "/")
			every := 1
			if stepped {
				every, _ = strconv.Atoi(step)
			}
			low, high := []int{0, 0, 1, 1, 0}[i], []int{59, 23, 31, 12, 6}[i]
			if values != "*" {
				first, last, ranged := strings.Cut(values, "-")
				low, _ = strconv.Atoi(first)
				high = low
				if ranged {
					high, _ = strconv.Atoi(last)
				}
			}
			for v := low; v <= high; v += every {
				if i == 4 {
					on[i][v%7] = true // 7 is Sunday too
				} else {
					on[i][v] = true
				}
			}
		}
	}
	return func(t time.Time) bool {
		if !on[0][t.Minute()] || !on[1][t.Hour()] || !on[3][t.Month()] {
			return false
		}
		day, weekday := on[2][t.Day()], on[4][t.Weekday()]
		if parts[2] != "*" && parts[4] != "*" {
			return day || weekday
		}
		return day && weekday
	}
}

// random returns a random expression, which Parse may refuse.
func random(rng *rand.Rand) string {
	parts := make([]string, 5)
	for i := range parts {
		low, high := []int{0, 0, 1, 1, 0}[i], []int{59, 23, 31, 12, 7}[i]
		pick := func() int { return low + rng.IntN(high-low+1) }
		switch rng.IntN(5) {
		case 0, 1:
			parts[i] = "*"
		case 2:
			parts[i] = fmt.Sprintf("*/%d", 1+rng.IntN(high))
		default:
			var items []string
			for range 1 + rng.IntN(3) {
				from, to := pick(), pick()
				switch {
				case from < to && rng.IntN(2) == 0:
					items = append(items, fmt.Sprintf("%d-%d/%d", from, to, 1+rng.IntN(5)))
				case from < to:
					items = append(items, fmt.Sprintf("%d-%d", from, to))
				default:
					items = append(items, strconv.Itoa(from))
				}
			}
			parts[i] = strings.Join(items, ",")
		}
	}
	return strings.Join(parts, " ")
}

// TestEachMinuteOfYears checks random expressions against the reference. It
// compares each minute of days that are spread over years, including a 29
// February.
func TestEachMinuteOfYears(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(1, 2))
	tried := 0
	for tried < 300 {
		text := random(rng)
		e, err := Parse(text)
		if err != nil {
			continue
		}
		tried++
		due := reference(text)
		for _, first := range []string{"2026-01-01", "2026-11-26", "2028-02-27", "2031-12-29"} {
			begin, err := time.Parse(time.DateOnly, first)
			require.NoError(t, err)
			end := begin.AddDate(0, 0, 9)
			var want, got, back []time.Time
			for at := begin; at.Before(end); at = at.Add(time.Minute) {
				if due(at) {
					want = append(want, at)
				}
			}
			for at, ok := e.Next(begin.Add(-time.Second)); ok && at.Before(end); at, ok = e.Next(at) {
				got = append(got, at)
			}
			for at, ok := e.Last(end.Add(-time.Second)); ok && !at.Before(begin); at, ok = e.Last(at.Add(-time.Second)) {
				back = append(back, at)
			}
			slices.Reverse(back)
			require.Equal(t, want, got, "%q from %s", text, first)
			require.Equal(t, want, back, "%q back to %s", text, first)
			require.Equal(t, len(want), e.Between(begin.Add(-time.Second), end, 1<<30), "%q", text)
		}
		// Numbered must not change the meaning.
		numbered, err := Parse(e.Numbered())
		require.NoError(t, err, "%q", e.Numbered())
		require.Equal(t, e.weekday, numbered.weekday, "%q", text)
		require.NotContains(t, strings.Fields(e.Numbered())[4], "7")
	}
}

// TestSystemdHasTheSameTimes checks that systemd computes the same times from the
// values of Calendar.
func TestSystemdHasTheSameTimes(t *testing.T) {
	t.Parallel()
	const asked = 12
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("needs systemd-analyze")
	}
	rng := rand.New(rand.NewPCG(3, 4))
	texts := []string{"30 3 * * *", "@daily", "@weekly", "0 0 13 * 5", "0 0 29 2 *", "0 0 29 2 1", "*/7 */5 * * *", "0 12 * * 7", "0 12 * * 5-7", "15,45 9-17 1-15/3 jan-mar,DEC mon-fri"}
	for len(texts) < 60 {
		if text := random(rng); func() bool { _, err := Parse(text); return err == nil }() {
			texts = append(texts, text)
		}
	}
	base := time.Date(2026, 11, 26, 12, 0, 30, 0, time.UTC)
	for _, text := range texts {
		e, err := Parse(text)
		require.NoError(t, err, "%q", text)
		var got []time.Time
		for _, calendar := range e.Calendar() {
			said, err := exec.Command(analyze, "calendar", "--iterations="+strconv.Itoa(asked), "--base-time=2026-11-26 12:00:30 UTC", calendar).CombinedOutput()
			require.NoError(t, err, "%q as %q: %s", text, calendar, said)
			for line := range strings.Lines(string(said)) {
				label, value, _ := strings.Cut(line, ": ")
				if label = strings.TrimSpace(label); label != "Next elapse" && !strings.HasPrefix(label, "Iter") && !strings.HasPrefix(label, "Iteration") {
					continue
				}
				at, err := time.Parse("Mon 2006-01-02 15:04:05 MST", strings.TrimSpace(value))
				require.NoError(t, err, "%s", said)
				got = append(got, at.UTC())
			}
		}
		slices.SortFunc(got, time.Time.Compare)
		got = slices.Compact(got)
		var want []time.Time
		for at, ok := e.Next(base); ok && len(want) < asked; at, ok = e.Next(at) {
			want = append(want, at)
		}
		require.GreaterOrEqual(t, len(got), len(want), "%q as %q", text, e.Calendar())
		require.Equal(t, want, got[:len(want)], "%q as %q", text, e.Calendar())
	}
}

func TestCalendar(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"30 3 * * *":     {"*-*-* 03:30:00 UTC"},
		"*/15 * * * 1-5": {"Mon..Fri *-*-* *:00,15,30,45:00 UTC"},
		"0 0 13 * 5":     {"*-*-13 00:00:00 UTC", "Fri *-*-* 00:00:00 UTC"},
		"@monthly":       {"*-*-01 00:00:00 UTC"},
		"0 9 * 1-3 sun":  {"Sun *-01..03-* 09:00:00 UTC"},
	} {
		e, err := Parse(text)
		require.NoError(t, err)
		assert.Equal(t, want, e.Calendar(), text)
		assert.Equal(t, text, e.String())
	}
}

func TestWhatIsNoCron(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"":                "has 0 fields",
		"* * * *":         "has 4 fields",
		"0 30 3 * * *":    "has 6 fields",
		"60 * * * *":      `has "60" as minute`,
		"* 24 * * *":      `has "24" as hour`,
		"* * 0 * *":       `has "0" as day of the month`,
		"* * * 13 *":      `has "13" as month`,
		"* * * * 8":       `has "8" as day of the week`,
		"5/10 * * * *":    `has "5/10" as minute`,
		"*/0 * * * *":     `has "*/0" as minute`,
		"9-5 * * * *":     `has "9-5" as minute`,
		"*,5 * * * *":     `has "*" as minute`,
		"? * * * *":       `has "?" as minute`,
		"* * L * *":       `has "L" as day of the month`,
		"1,, * * * *":     `has "" as minute`,
		"+1 * * * *":      `has "+1" as minute`,
		"@reboot":         "is not one of @hourly",
		"@every 5m":       "is not one of @hourly",
		"0 0 30 2 *":      "has no time",
		"0 0 */2 * 1":     "which crons read differently",
		"0 0 1 * */2":     "which crons read differently",
		"every 5 minutes": "has 3 fields",
	} {
		_, err := Parse(text)
		require.ErrorContains(t, err, want, "%q", text)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("*/5 1-3 * jan 7")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(text)
		if err != nil {
			return
		}
		next, ok := e.Next(time.Unix(1_800_000_000, 0))
		if !ok {
			t.Fatalf("%q never happens", text)
		}
		if last, ok := e.Last(next); !ok || !last.Equal(next) {
			t.Fatalf("%q is at %s, and the last time until then is %s", text, next, last)
		}
	})
}
