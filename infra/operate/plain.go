package operate

import (
	"fmt"
	"strings"
	"time"
	"unicode"
)

// plainLimit is the largest size, in bytes, of a machine's or a cluster's text on a
// screen.
const plainLimit = 400

// Plain returns a text of a machine, a pod or a cluster in one line, without
// anything that a terminal acts on: control characters, beginnings of escape
// sequences, marks that change the direction of writing.
func Plain(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), plainLimit)], "")
	return strings.TrimSpace(strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case !unicode.IsPrint(r):
			return -1
		}
		return r
	}, s))
}

// Ago formats a time that has passed, in its two largest units: "3 d 4 h".
func Ago(d time.Duration) string {
	d = max(0, d)
	days, hours, minutes, seconds := int(d.Hours())/24, int(d.Hours())%24, int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case days > 0 && hours > 0:
		return fmt.Sprintf("%d d %d h", days, hours)
	case days > 0:
		return fmt.Sprintf("%d d", days)
	case hours > 0 && minutes > 0:
		return fmt.Sprintf("%d h %d min", hours, minutes)
	case hours > 0:
		return fmt.Sprintf("%d h", hours)
	case minutes > 0:
		return fmt.Sprintf("%d min", minutes)
	default:
		return fmt.Sprintf("%d s", seconds)
	}
}

// Bytes formats a size: "24 MB".
func Bytes(n int64) string {
	size, unit := float64(n), "B"
	for _, next := range []string{"KB", "MB", "GB", "TB"} {
		if size < 1000 {
			break
		}
		size, unit = size/1000, next
	}
	if size < 10 && unit != "B" {
		return fmt.Sprintf("%.1f %s", size, unit)
	}
	return fmt.Sprintf("%.0f %s", size, unit)
}
