package agent

import (
	"fmt"
	"math"
	"strconv"
	"time"
)

const (
	// bakeFailures is the smallest number of failed answers for which a release is
	// taken back. Fewer prove nothing: one of three may be chance.
	bakeFailures = 10
	// bakeRestarts is the same for processes that end by themselves.
	bakeRestarts = 3
	// bakeSigmas is the number of standard deviations by which a release must fail
	// more than the one before, because two periods of the same length differ by
	// chance.
	bakeSigmas = 3
)

// verdict returns the reason why the release must be taken back, or "". The reason
// may be public. figures has the exact numbers, for the operator.
func (b bake) verdict() (reason, figures string) {
	took := b.Bake.Time - time.Duration(b.Left)
	figures = fmt.Sprintf("watched for %s of %s: %d of %d answers failed (%s), %d restarts; in the %s before, with release %s: %d of %d (%s), %d restarts; limit %s",
		took.Round(time.Second), b.Bake.Time, b.Seen.Failed, b.Seen.All, percent(b.Seen.share()), b.Seen.Restarts,
		b.Bake.Time, b.From.Short(), b.Before.Failed, b.Before.All, percent(b.Before.share()), b.Before.Restarts, b.Bake.Errors)
	switch {
	case b.failsMore():
		reason = fmt.Sprintf("%s of its answers in %s had a status of 500 or above; the limit is %s, and of those before it were %s",
			percent(b.Seen.share()), took.Round(time.Second), b.Bake.Errors, percent(b.Before.share()))
	case b.Seen.Restarts >= bakeRestarts && b.Seen.Restarts > b.Before.Restarts:
		reason = fmt.Sprintf("its processes ended by themselves %d times in %s; those of the release before %d times in %s",
			b.Seen.Restarts, took.Round(time.Second), b.Before.Restarts, b.Bake.Time)
	}
	return reason, figures
}

// failsMore reports whether more answers fail than the limit allows, and more than
// the release before and chance explain. Both numbers of failures are treated as
// Poisson variables. The expected number is estimated from the release before.
func (b bake) failsMore() bool {
	limit, err := b.Bake.Limit()
	if err != nil || b.Seen.Failed < bakeFailures || b.Seen.share() <= limit {
		return false
	}
	if b.Before.All == 0 {
		return true
	}
	expected := b.Before.share() * float64(b.Seen.All)
	deviation := math.Sqrt(expected * (1 + float64(b.Seen.All)/float64(b.Before.All)))
	return float64(b.Seen.Failed) > expected+bakeSigmas*deviation
}

// percent formats a share: "5.1%".
func percent(share float64) string {
	return strconv.FormatFloat(math.Round(share*1e4)/1e2, 'f', -1, 64) + "%"
}
