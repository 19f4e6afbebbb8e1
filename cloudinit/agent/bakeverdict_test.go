package agent

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"escala/service"
)

func TestVerdict(t *testing.T) {
	for name, tt := range map[string]struct {
		before, seen  tally
		want, figures string
	}{
		"it passes": {
			tally{Answers{5000, 0}, 0},
			tally{Answers{9, 9}, 2},
			"",
			"watched for 30s of 2m0s: 9 of 9 answers failed (100%), 2 restarts; in the 2m0s before, with release 111111111111: 0 of 5000 (0%), 0 restarts; limit 1%",
		},
		"its answers": {
			tally{Answers{35120, 2}, 1},
			tally{Answers{12034, 612}, 0},
			"5.09% of its answers in 30s had a status of 500 or above; the limit is 1%, and of those before it were 0.01%",
			"watched for 30s of 2m0s: 612 of 12034 answers failed (5.09%), 0 restarts; in the 2m0s before, with release 111111111111: 2 of 35120 (0.01%), 1 restarts; limit 1%",
		},
		"its processes": {
			tally{Answers{100, 0}, 2},
			tally{Answers{100, 0}, 3},
			"its processes ended by themselves 3 times in 30s; those of the release before 2 times in 2m0s",
			"watched for 30s of 2m0s: 0 of 100 answers failed (0%), 3 restarts; in the 2m0s before, with release 111111111111: 0 of 100 (0%), 2 restarts; limit 1%",
		},
	} {
		t.Run(name, func(t *testing.T) {
			reason, figures := bake{
				From: service.ReleaseID("1111111111112222"), Bake: service.Bake{Time: 2 * time.Minute, Errors: "1%"},
				Before: tt.before, Seen: tt.seen, Left: Duration(90 * time.Second),
			}.verdict()
			assert.Equal(t, tt.want, reason)
			assert.Equal(t, tt.figures, figures)
		})
	}
}

func TestTheTimeThatIsLeftHasFewSteps(t *testing.T) {
	var steps []time.Duration
	for left := 2 * time.Minute; left > -5*time.Second; left -= 2 * time.Second {
		if step := (bake{Left: Duration(left)}).left(); len(steps) == 0 || steps[len(steps)-1] != step {
			steps = append(steps, step)
		}
	}
	assert.Equal(t, []time.Duration{2 * time.Minute, 90 * time.Second, time.Minute, 30 * time.Second, 20 * time.Second, 10 * time.Second, 0}, steps)
}
