package pm2

import (
	"cmp"
	"math"
	"slices"
)

// Pair holds one figure of both stacks.
type Pair struct {
	Escala float64 `json:"escala"`
	PM2    float64 `json:"pm2"`
}

// Ratio returns escala's figure as a share of PM2's. It is infinite if PM2's is 0.
func (p Pair) Ratio() float64 {
	if p.PM2 == 0 {
		return math.Inf(1)
	}
	return p.Escala / p.PM2
}

// median returns the middle value, the upper one of two. It returns 0 without
// values.
func median[T cmp.Ordered](all []T) T {
	if len(all) == 0 {
		var none T
		return none
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// Goal is a limit for one of escala's figures.
type Goal struct {
	// What is the name of the figure, Bound its limit in words.
	What  string `json:"what"`
	Bound string `json:"bound"`
	// Value is the measured value, Limit the highest allowed value.
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	// Met reports that the value was measured and is within the limit.
	Met bool `json:"met"`
}

// ratioGoal returns a goal that is met if escala's figure is at most the given
// share of PM2's.
func ratioGoal(what string, p Pair, parts float64) Goal {
	return newGoal(what, "escala ≤ 1/"+digits(parts)+" of PM2's", p.Ratio(), 1/parts)
}

// newGoal compares a value with its limit. NaN and infinite values never meet a
// goal.
func newGoal(what, bound string, value, limit float64) Goal {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return Goal{What: what, Bound: bound, Value: math.MaxFloat64, Limit: limit}
	}
	return Goal{What: what, Bound: bound, Value: value, Limit: limit, Met: value <= limit}
}
