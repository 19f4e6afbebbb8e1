package pm2

import (
	"cmp"
	"math"
	"slices"
)

// Pair is one figure of both stacks.
type Pair struct {
	Ours   float64 `json:"ours"`
	Theirs float64 `json:"theirs"`
}

// Ratio is ours as a share of theirs; infinite if they have none.
func (p Pair) Ratio() float64 {
	if p.Theirs == 0 {
		return math.Inf(1)
	}
	return p.Ours / p.Theirs
}

// median is the middle value, the upper one of two; 0 of none.
func median[T cmp.Ordered](all []T) T {
	if len(all) == 0 {
		var none T
		return none
	}
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// Goal is a bound that a figure of ours must keep.
type Goal struct {
	// What is measured, and its bound in words.
	What  string `json:"what"`
	Bound string `json:"bound"`
	// Value was measured, Limit is the most that it may be.
	Value float64 `json:"value"`
	Limit float64 `json:"limit"`
	// Met reports that it was measured and kept.
	Met bool `json:"met"`
}

// ratioGoal is met if ours is at most one part of theirs.
func ratioGoal(what string, p Pair, parts float64) Goal {
	return newGoal(what, "ours ≤ 1/"+digits(parts)+" of theirs", p.Ratio(), 1/parts)
}

// newGoal judges a value. What is not a number, or infinite, keeps no bound.
func newGoal(what, bound string, value, limit float64) Goal {
	if math.IsNaN(value) || math.IsInf(value, 0) {
		return Goal{What: what, Bound: bound, Value: math.MaxFloat64, Limit: limit}
	}
	return Goal{What: what, Bound: bound, Value: value, Limit: limit, Met: value <= limit}
}
