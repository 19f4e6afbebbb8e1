package service

import (
	"math"
	"strconv"
)

// Tally counts what happened to one release in a period.
type Tally struct {
	// All is the number of answers, Failed that of answers with status 500 or above.
	All, Failed int64
	// Restarts counts the processes that ended by themselves or hung.
	Restarts int64
}

// Plus returns the sum of two tallies.
func (t Tally) Plus(o Tally) Tally {
	return Tally{t.All + o.All, t.Failed + o.Failed, t.Restarts + o.Restarts}
}

// Share returns the part of the answers that failed, from 0 to 1.
func (t Tally) Share() float64 {
	if t.All == 0 {
		return 0
	}
	return float64(t.Failed) / float64(t.All)
}

// Percent returns Share for people: "5.08%".
func (t Tally) Percent() string {
	return strconv.FormatFloat(math.Round(t.Share()*1e4)/1e2, 'f', -1, 64) + "%"
}

// BakeVerdict is the reason why a watched release must be taken back.
type BakeVerdict string

// Values of BakeVerdict.
const (
	// BakePasses means that the release may stay.
	BakePasses BakeVerdict = ""
	// BakeAnswers means that too many of its answers fail.
	BakeAnswers BakeVerdict = "answers"
	// BakeRestarts means that its processes end in a loop.
	BakeRestarts BakeVerdict = "restarts"
)

const (
	// bakeFailures is the smallest number of failed answers for which a release is
	// taken back. Fewer prove nothing: one of three may be chance.
	bakeFailures = 10
	// bakeRestarts is the same for processes that end by themselves.
	bakeRestarts = 3
	// bakeSigmas is the number of standard deviations by which a release must fail
	// more than the one before, because two tallies differ by chance.
	bakeSigmas = 3
)

// Judge compares a release with the one before it. before is the zero Tally if
// nothing is known of that one.
func (b Bake) Judge(seen, before Tally) BakeVerdict {
	switch {
	case b.failsMore(seen, before):
		return BakeAnswers
	case seen.Restarts >= bakeRestarts && seen.Restarts > before.Restarts:
		return BakeRestarts
	default:
		return BakePasses
	}
}

// failsMore reports whether more answers fail than the limit allows, and more than
// the release before and chance explain. Both numbers of failures are treated as
// Poisson variables. The expected number is estimated from the release before.
func (b Bake) failsMore(seen, before Tally) bool {
	limit, err := b.Limit()
	if err != nil || seen.Failed < bakeFailures || seen.Share() <= limit {
		return false
	}
	if before.All == 0 {
		return true
	}
	expected := before.Share() * float64(seen.All)
	deviation := math.Sqrt(expected * (1 + float64(seen.All)/float64(before.All)))
	return float64(seen.Failed) > expected+bakeSigmas*deviation
}
