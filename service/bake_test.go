package service

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestBakeIsChecked(t *testing.T) {
	for name, tt := range map[string]struct {
		bake          Bake
		path, problem string
	}{
		"none":                 {NewBake(), "", ""},
		"two minutes":          {Bake{2 * time.Minute, "1%"}, "", ""},
		"a part of a percent":  {Bake{10 * time.Second, "0.25%"}, "", ""},
		"never for 5xx":        {Bake{time.Hour, "100%"}, "", ""},
		"too short":            {Bake{9 * time.Second, "1%"}, "release.bake", "9s is not a whole number of seconds from 10s to 1h0m0s"},
		"too long":             {Bake{2 * time.Hour, "1%"}, "release.bake", "2h0m0s is not a whole number of seconds from 10s to 1h0m0s"},
		"negative":             {Bake{-time.Minute, "1%"}, "release.bake", "-1m0s is not a whole number of seconds from 10s to 1h0m0s"},
		"a part of a second":   {Bake{10500 * time.Millisecond, "1%"}, "release.bake", "10.5s is not a whole number of seconds from 10s to 1h0m0s"},
		"no percentage":        {Bake{time.Minute, "0.01"}, "release.bakeErrors", `"0.01" is not a percentage with at most two digits after the point; for example "1%"`},
		"more than all":        {Bake{time.Minute, "101%"}, "release.bakeErrors", `"101%" is more than 100%`},
		"a share and no time":  {Bake{0, "2%"}, "release.bakeErrors", "is set, but there is no service.release.bake"},
		"a negative share":     {Bake{time.Minute, "-1%"}, "release.bakeErrors", `"-1%" is not a percentage with at most two digits after the point; for example "1%"`},
		"too fine a share":     {Bake{time.Minute, "0.001%"}, "release.bakeErrors", `"0.001%" is not a percentage with at most two digits after the point; for example "1%"`},
		"an unreadable number": {Bake{time.Minute, "%"}, "release.bakeErrors", `"%" is not a percentage with at most two digits after the point; for example "1%"`},
	} {
		t.Run(name, func(t *testing.T) {
			s := NewSpec()
			s.Bake = tt.bake
			err := s.Validate()
			if tt.path == "" {
				require.NoError(t, err)
				return
			}
			assert.Equal(t, Violations{{Path: tt.path, Problem: tt.problem}}, err)
		})
	}
}

func TestParseBake(t *testing.T) {
	for _, b := range []Bake{{2 * time.Minute, "1%"}, {10 * time.Second, "0.25%"}, {MaxBake, "0%"}} {
		got, err := ParseBake(b.String())
		require.NoError(t, err)
		assert.Equal(t, b, got)
	}
	for _, bad := range []string{"", "2m", "2m,", "1s,1%", "-2m,1%", "2h,1%", "2m,1", "2m,1%,", "x,1%", "2m,101%"} {
		_, err := ParseBake(bad)
		require.Error(t, err, "%q", bad)
	}
	limit, err := Bake{Errors: "0.25%"}.Limit()
	require.NoError(t, err)
	assert.InDelta(t, 0.0025, limit, 1e-9)
}
