package cron

import (
	"fmt"
	"math/bits"
	"strings"
)

// Calendar returns the expression as values of OnCalendar= of a systemd timer
// (systemd.time(7)). Together they have exactly the times of the expression. If
// both kinds of day are restricted, systemd needs both to match, and cron only
// one of them. Such an expression becomes two values.
func (e Expression) Calendar() []string {
	times := func(day, weekday uint64) string {
		return fmt.Sprintf("%s*-%s-%s %s:%s:00 UTC", weekdays(weekday), part(e.month, fields[3]), part(day, fields[2]), part(e.hour, fields[1]), part(e.minute, fields[0]))
	}
	everyDay, everyWeekday := fields[2].span(1, 31, 1), fields[4].span(0, 6, 1)
	if e.anyDay || e.anyWeekday {
		return []string{times(e.day, e.weekday)}
	}
	return []string{times(e.day, everyWeekday), times(everyDay, e.weekday)}
}

// part returns the values of a field, or "*" for all.
func part(set uint64, f field) string {
	if set == f.span(f.min, f.max, 1) {
		return "*"
	}
	return list(set, func(n int) string { return fmt.Sprintf("%02d", n) }, "..")
}

func weekdays(set uint64) string {
	if set == fields[4].span(0, 6, 1) {
		return ""
	}
	// systemd's weeks begin on Monday, also in a range.
	monday := set>>1 | set&1<<6
	return list(monday, func(n int) string {
		name := fields[4].names[(n+1)%7]
		return strings.ToUpper(name[:1]) + name[1:]
	}, "..") + " "
}

// list formats the values of a set. Three or more consecutive values become a
// range.
func list(set uint64, text func(int) string, to string) string {
	var out []string
	for set != 0 {
		first := bits.TrailingZeros64(set)
		run := bits.TrailingZeros64(^(set >> first))
		if run < 3 {
			run = 1
			out = append(out, text(first))
		} else {
			out = append(out, text(first)+to+text(first+run-1))
		}
		set &^= (1<<run - 1) << first
	}
	return strings.Join(out, ",")
}
