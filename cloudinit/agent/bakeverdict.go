package agent

import (
	"fmt"
	"time"

	"escala/service"
)

// verdict returns the reason why the release must be taken back, or "". The reason
// may be public. figures has the exact numbers, for the operator.
func (b bake) verdict() (reason, figures string) {
	seen, before := b.Seen.judged(), b.Before.judged()
	took := b.Bake.Time - time.Duration(b.Left)
	figures = fmt.Sprintf("watched for %s of %s: %d of %d answers failed (%s), %d restarts; in the %s before, with release %s: %d of %d (%s), %d restarts; limit %s",
		took.Round(time.Second), b.Bake.Time, b.Seen.Failed, b.Seen.All, seen.Percent(), b.Seen.Restarts,
		b.Bake.Time, b.From.Short(), b.Before.Failed, b.Before.All, before.Percent(), b.Before.Restarts, b.Bake.Errors)
	switch b.Bake.Judge(seen, before) {
	case service.BakeAnswers:
		reason = fmt.Sprintf("%s of its answers in %s had a status of 500 or above; the limit is %s, and of those before it were %s",
			seen.Percent(), took.Round(time.Second), b.Bake.Errors, before.Percent())
	case service.BakeRestarts:
		reason = fmt.Sprintf("its processes ended by themselves %d times in %s; those of the release before %d times in %s",
			b.Seen.Restarts, took.Round(time.Second), b.Before.Restarts, b.Bake.Time)
	}
	return reason, figures
}
