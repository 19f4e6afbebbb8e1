package loadgen

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"escala/service"
)

// violations returns the reasons why a result is not clean.
func (r *Result) violations() service.Violations {
	var v service.Violations
	if r.Total.Failed > 0 {
		v.Add("requests", "%d of %d failed: %s", r.Total.Failed, r.Total.Arrivals, listed(r.Total.Kinds))
	}
	if r.Total.Unsent > 0 {
		v.Add("requests", "%d of %d were not sent: %s", r.Total.Unsent, r.Total.Arrivals, listed(r.Total.UnsentKinds))
	}
	if s := r.Sockets; s != nil {
		if s.Unclean > 0 {
			v.Add("sockets", "%d unclean closes: %s", s.Unclean, listed(s.Closes))
		}
		if s.Lost > 0 {
			v.Add("sockets", "%d of %d messages lost between clients that were connected", s.Lost, s.Expected)
		}
		if s.Away > 0 {
			v.Add("sockets", "%d clients did not come back", s.Away)
		}
	}
	return v
}

// listed formats counts as "eof 3, reset 1", ordered by key.
func listed[K ~string | ~int](counts map[K]uint64) string {
	parts := make([]string, 0, len(counts))
	for _, key := range slices.Sorted(maps.Keys(counts)) {
		parts = append(parts, fmt.Sprintf("%v %d", key, counts[key]))
	}
	return strings.Join(parts, ", ")
}
