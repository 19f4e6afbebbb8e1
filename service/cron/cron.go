// Package cron reads the times of a schedule, in the five fields of cron, and
// computes the runs. Times are in UTC, so that clock changes neither skip nor
// repeat a run.
//
// The syntax is the one that Vixie cron and the CronJobs of Kubernetes agree on.
// An expression that they read differently is an error.
package cron

import (
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Expression is a set of minutes. The zero Expression is not valid; Parse makes
// a valid one.
type Expression struct {
	text string
	// Bit n of a field is set if the field has the value n.
	minute, hour, day, month, weekday uint64
	// anyDay and anyWeekday report that the field is "*". If neither is, a day
	// that matches one of the two fields is enough.
	anyDay, anyWeekday bool
}

// field describes one of the five fields.
type field struct {
	name     string
	min, max int
	// names are alternative names of the values, the first one for min.
	names []string
}

var fields = [5]field{
	{name: "minute", max: 59},
	{name: "hour", max: 23},
	{name: "day of the month", min: 1, max: 31},
	{name: "month", min: 1, max: 12, names: []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
	// Both 0 and 7 are Sunday.
	{name: "day of the week", max: 7, names: []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
}

var shorthands = map[string]string{
	"@hourly": "0 * * * *", "@daily": "0 0 * * *", "@midnight": "0 0 * * *",
	"@weekly": "0 0 * * 0", "@monthly": "0 0 1 * *", "@yearly": "0 0 1 1 *", "@annually": "0 0 1 1 *",
}

// Parse reads five fields (minute, hour, day of the month, month, day of the
// week) or a word such as "@daily". The error completes a sentence that begins
// with the expression: "has 4 fields, …".
func Parse(text string) (Expression, error) {
	e := Expression{text: text}
	if strings.HasPrefix(text, "@") {
		full, ok := shorthands[strings.ToLower(text)]
		if !ok {
			return Expression{}, errors.New("is not one of @hourly, @daily, @weekly, @monthly and @yearly")
		}
		text = full
	}
	parts := strings.Fields(text)
	if len(parts) != len(fields) {
		return Expression{}, fmt.Errorf("has %d fields, not the five of cron: minute, hour, day of the month, month, day of the week; for example \"30 3 * * *\"", len(parts))
	}
	for i, into := range []*uint64{&e.minute, &e.hour, &e.day, &e.month, &e.weekday} {
		set, err := fields[i].parse(parts[i])
		if err != nil {
			return Expression{}, err
		}
		*into = set
	}
	if e.weekday&(1<<7) != 0 {
		e.weekday = e.weekday&^(1<<7) | 1
	}
	e.anyDay, e.anyWeekday = parts[2] == "*", parts[4] == "*"
	if !e.anyDay && !e.anyWeekday && (strings.HasPrefix(parts[2], "*") || strings.HasPrefix(parts[4], "*")) {
		return Expression{}, errors.New("has a step of \"*\" and both kinds of day, which crons read differently; write the range, for example 1-31/2")
	}
	if _, ok := e.Next(time.Unix(0, 0)); !ok {
		return Expression{}, errors.New("has no time: no such day is in such a month")
	}
	return e, nil
}

// parse reads one field.
func (f field) parse(text string) (uint64, error) {
	if text == "*" {
		return f.span(f.min, f.max, 1), nil
	}
	var set uint64
	for _, item := range strings.Split(text, ",") {
		values, stepped, hasStep := strings.Cut(item, "/")
		if hasStep && stepped == "" {
			return 0, f.bad(item)
		}
		step, from, to := 1, f.min, f.max
		if hasStep {
			n, err := strconv.Atoi(stepped)
			if err != nil || n < 1 || n > f.max {
				return 0, f.bad(item)
			}
			step = n
		}
		switch first, last, isRange := strings.Cut(values, "-"); {
		case values == "*" && hasStep:
			if f.max == 7 {
				to = 6
			}
		case isRange:
			var ok, also bool
			if from, ok = f.value(first); !ok {
				return 0, f.bad(item)
			}
			if to, also = f.value(last); !also || to < from {
				return 0, f.bad(item)
			}
		case hasStep:
			return 0, f.bad(item) // "5/10" means "from 5 on" for some crons, and is an error for others
		default:
			var ok bool
			if from, ok = f.value(values); !ok {
				return 0, f.bad(item)
			}
			to = from
		}
		set |= f.span(from, to, step)
	}
	return set, nil
}

func (f field) bad(item string) error {
	return fmt.Errorf("has %q as %s, which is no value, range or list from %d to %d; for example %d, %d-%d, */2", item, f.name, f.min, f.max, f.min+1, f.min+1, f.min+3)
}

func (f field) value(text string) (int, bool) {
	if i := slices.Index(f.names, strings.ToLower(text)); i >= 0 {
		return f.min + i, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= f.min && n <= f.max && text[0] != '+'
}

func (field) span(from, to, step int) uint64 {
	var set uint64
	for n := from; n <= to; n += step {
		set |= 1 << n
	}
	return set
}

// String returns the expression as it was written.
func (e Expression) String() string { return e.text }

// Numbered returns the expression for a cron that does not accept 7 as Sunday.
// The text is unchanged if it has no such day.
func (e Expression) Numbered() string {
	parts := strings.Fields(e.text)
	if len(parts) != len(fields) || !strings.Contains(parts[4], "7") {
		return e.text
	}
	parts[4] = list(e.weekday, strconv.Itoa, "-")
	return strings.Join(parts, " ")
}

// matches reports whether the expression has times on the day.
func (e Expression) matches(day time.Time) bool {
	has := func(set uint64, n int) bool { return set&(1<<n) != 0 }
	if !has(e.month, int(day.Month())) {
		return false
	}
	ofMonth, ofWeek := has(e.day, day.Day()), has(e.weekday, int(day.Weekday()))
	if e.anyDay || e.anyWeekday {
		return ofMonth && ofWeek
	}
	return ofMonth || ofWeek
}

// maxDays is a number of days within which each valid expression has a time. The
// rarest day is a 29 February on a given weekday, and two of those are at most 40
// years apart.
const maxDays = 366 * 41

// Next returns the first time after t. ok is false if there is none.
func (e Expression) Next(t time.Time) (next time.Time, ok bool) {
	from := t.UTC().Truncate(time.Minute).Add(time.Minute)
	day := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, time.UTC)
	first := from.Hour()*60 + from.Minute()
	for range maxDays {
		if e.matches(day) {
			if m, ok := e.minuteFrom(first); ok {
				return day.Add(time.Duration(m) * time.Minute), true
			}
		}
		day, first = day.AddDate(0, 0, 1), 0
	}
	return time.Time{}, false
}

// Last returns the last time that is not after t. ok is false if there is none.
func (e Expression) Last(t time.Time) (last time.Time, ok bool) {
	from := t.UTC()
	day := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, time.UTC)
	latest := from.Hour()*60 + from.Minute()
	for range maxDays {
		if e.matches(day) {
			if m, ok := e.minuteTo(latest); ok {
				return day.Add(time.Duration(m) * time.Minute), true
			}
		}
		day, latest = day.AddDate(0, 0, -1), 24*60-1
	}
	return time.Time{}, false
}

// minuteFrom returns the expression's first minute of a day that is not before
// first.
func (e Expression) minuteFrom(first int) (int, bool) {
	for hour := first / 60; hour < 24; hour++ {
		if e.hour&(1<<hour) != 0 {
			if rest := e.minute >> (first % 60) << (first % 60); rest != 0 {
				return hour*60 + bits.TrailingZeros64(rest), true
			}
		}
		first = 0
	}
	return 0, false
}

// minuteTo returns the expression's last minute of a day that is not after
// latest.
func (e Expression) minuteTo(latest int) (int, bool) {
	for hour := latest / 60; hour >= 0; hour-- {
		if e.hour&(1<<hour) != 0 {
			if rest := e.minute & (1<<(latest%60+1) - 1); rest != 0 {
				return hour*60 + bits.Len64(rest) - 1, true
			}
		}
		latest = 59
	}
	return 0, false
}

// Between returns the number of times after from and before to, but at most
// limit.
func (e Expression) Between(from, to time.Time, limit int) int {
	n := 0
	for t, ok := e.Next(from); ok && t.Before(to) && n < limit; t, ok = e.Next(t) {
		n++
	}
	return n
}
