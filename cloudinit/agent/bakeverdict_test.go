package agent

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"escala/service"
)

func TestVerdict(t *testing.T) {
	answers := func(failed, all int64) tally { return tally{Answers: Answers{All: all, Failed: failed}} }
	restarts := func(n int64) tally { return tally{Answers: Answers{All: 1000}, Restarts: n} }
	for name, tt := range map[string]struct {
		before, seen tally
		limit        string
		want         string
	}{
		"nothing was asked":                 {answers(0, 5000), answers(0, 0), "1%", ""},
		"one of three":                      {answers(0, 5000), answers(1, 3), "1%", ""},
		"nine of nine":                      {answers(0, 5000), answers(9, 9), "1%", ""},
		"ten of ten":                        {answers(0, 5000), answers(10, 10), "1%", "100% of its answers in 30s had a status of 500 or above; the limit is 1%, and of those before it were 0%"},
		"as much as the limit":              {answers(0, 5000), answers(50, 5000), "1%", ""},
		"above the limit":                   {answers(0, 5000), answers(51, 5000), "1%", "1.02% of its answers in 30s had a status of 500 or above; the limit is 1%, and of those before it were 0%"},
		"a finer limit":                     {answers(2, 50000), answers(60, 50000), "0.1%", "0.12% of its answers in 30s had a status of 500 or above; the limit is 0.1%, and of those before it were 0%"},
		"as much as before":                 {answers(250, 5000), answers(250, 5000), "1%", ""},
		"by chance more than before":        {answers(250, 5000), answers(290, 5000), "1%", ""},
		"more than before":                  {answers(250, 5000), answers(350, 5000), "1%", "7% of its answers in 30s had a status of 500 or above; the limit is 1%, and of those before it were 5%"},
		"less than before":                  {answers(2500, 5000), answers(1000, 5000), "1%", ""},
		"little is known of before":         {answers(1, 20), answers(250, 5000), "1%", ""},
		"little is known, and all fails":    {answers(1, 20), answers(5000, 5000), "1%", "100% of its answers in 30s had a status of 500 or above; the limit is 1%, and of those before it were 5%"},
		"nothing is known of before":        {answers(0, 0), answers(60, 5000), "1%", "1.2% of its answers in 30s had a status of 500 or above; the limit is 1%, and of those before it were 0%"},
		"no limit":                          {answers(0, 5000), answers(5000, 5000), "100%", ""},
		"a process ended twice":             {restarts(0), restarts(2), "1%", ""},
		"a process ended three times":       {restarts(2), restarts(3), "1%", "its processes ended by themselves 3 times in 30s; those of the release before 2 times in 2m0s"},
		"processes ended as often before":   {restarts(9), restarts(9), "1%", ""},
		"the answers are the first reason":  {restarts(0), tally{Answers{All: 100, Failed: 50}, 5}, "1%", "50% of its answers in 30s had a status of 500 or above; the limit is 1%, and of those before it were 0%"},
		"a limit that cannot be read is no": {answers(0, 5000), answers(5000, 5000), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := bake{Bake: service.Bake{Time: 2 * time.Minute, Errors: tt.limit}, Before: tt.before, Seen: tt.seen, Left: Duration(90 * time.Second)}
			reason, figures := b.verdict()
			assert.Equal(t, tt.want, reason)
			assert.NotEmpty(t, figures)
		})
	}
	_, figures := bake{
		From: service.ReleaseID("1111111111112222"), Bake: service.Bake{Time: 2 * time.Minute, Errors: "1%"},
		Before: tally{Answers{35120, 2}, 1}, Seen: tally{Answers{12034, 612}, 0}, Left: Duration(79 * time.Second),
	}.verdict()
	assert.Equal(t, "watched for 41s of 2m0s: 612 of 12034 answers failed (5.09%), 0 restarts; in the 2m0s before, with release 111111111111: 2 of 35120 (0.01%), 1 restarts; limit 1%", figures)
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
