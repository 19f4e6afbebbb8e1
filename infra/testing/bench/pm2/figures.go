package pm2

import (
	"cmp"
	"math"
	"slices"
)

// Pair holds one figure of both stacks.
type Pair struct {
	Ours   float64 `json:"ours"`
	Theirs float64 `json:"theirs"`
}

// Ratio returns our figure as a share of theirs. It is infinite if theirs is 0.
func (p Pair) Ratio() float64 {
	if p.Theirs == 0 {
		return math.Inf(1)
	}
	return p.Ours / p.Theirs
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

// Goal is a limit for one of our figures.
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

// ratioGoal returns a goal that is met if our figure is at most the given share
// of theirs.
func ratioGoal(what string, p Pair, parts float64) Goal {
	return newGoal(what, "ours ≤ 1/"+digits(parts)+" of theirs", p.Ratio(), 1/parts)
}

// newGoal compares a value with its limit. NaN and infinite values never meet a
// goal.
func newGoal(what, bound string, value, limit float64) Goal {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return Goal{What: what, Bound: bound, Value: math.MaxFloat64, Limit: limit}
	}
	return Goal{What: what, Bound: bound, Value: value, Limit: limit, Met: value <= limit}
}
