package service

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestBakeJudges(t *testing.T) {
	answers := func(failed, all int64) Tally { return Tally{All: all, Failed: failed} }
	restarts := func(n int64) Tally { return Tally{All: 1000, Restarts: n} }
	for name, tt := range map[string]struct {
		before, seen Tally
		limit        string
		want         BakeVerdict
	}{
		"nothing was asked":                {answers(0, 5000), answers(0, 0), "1%", BakePasses},
		"one of three":                     {answers(0, 5000), answers(1, 3), "1%", BakePasses},
		"nine of nine":                     {answers(0, 5000), answers(9, 9), "1%", BakePasses},
		"ten of ten":                       {answers(0, 5000), answers(10, 10), "1%", BakeAnswers},
		"as much as the limit":             {answers(0, 5000), answers(50, 5000), "1%", BakePasses},
		"above the limit":                  {answers(0, 5000), answers(51, 5000), "1%", BakeAnswers},
		"a finer limit":                    {answers(2, 50000), answers(60, 50000), "0.1%", BakeAnswers},
		"as much as before":                {answers(250, 5000), answers(250, 5000), "1%", BakePasses},
		"by chance more than before":       {answers(250, 5000), answers(290, 5000), "1%", BakePasses},
		"more than before":                 {answers(250, 5000), answers(350, 5000), "1%", BakeAnswers},
		"less than before":                 {answers(2500, 5000), answers(1000, 5000), "1%", BakePasses},
		"little is known of before":        {answers(1, 20), answers(250, 5000), "1%", BakePasses},
		"little is known, and all fails":   {answers(1, 20), answers(5000, 5000), "1%", BakeAnswers},
		"nothing is known of before":       {answers(0, 0), answers(60, 5000), "1%", BakeAnswers},
		"no limit":                         {answers(0, 5000), answers(5000, 5000), "100%", BakePasses},
		"a limit that cannot be read":      {answers(0, 5000), answers(5000, 5000), "", BakePasses},
		"a process ended twice":            {restarts(0), restarts(2), "1%", BakePasses},
		"a process ended three times":      {restarts(2), restarts(3), "1%", BakeRestarts},
		"processes ended as often before":  {restarts(9), restarts(9), "1%", BakePasses},
		"the answers are the first reason": {restarts(0), Tally{100, 50, 5}, "1%", BakeAnswers},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, tt.want, Bake{Errors: tt.limit}.Judge(tt.seen, tt.before))
		})
	}
}

func TestTally(t *testing.T) {
	assert.Equal(t, "0%", Tally{}.Percent())
	assert.Equal(t, "5.09%", Tally{12034, 612, 0}.Percent())
	assert.Equal(t, Tally{4, 3, 2}, Tally{1, 1, 1}.Plus(Tally{3, 2, 1}))
}
