package rollout

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// TestLeaving checks that the wait includes draining pods, but not pods whose
// node is gone.
func TestLeaving(t *testing.T) {
	now := time.Now()
	for name, tt := range map[string]struct {
		until *time.Time
		want  bool
	}{
		"not told to end":    {nil, false},
		"it drains":          {new(now.Add(20 * time.Second)), true},
		"it just had to end": {new(now.Add(-time.Second)), true},
		"its node is gone":   {new(now.Add(-time.Minute)), false},
	} {
		p := pod{Metadata: meta{DeletionTimestamp: tt.until}}
		assert.Equal(t, tt.want, p.leaving(now), name)
	}
}

// TestStuck checks the duration of one trouble without progress.
func TestStuck(t *testing.T) {
	var s tracker
	crash := view{trouble: trouble{kind: troubleCrash}}
	assert.Less(t, s.lasts(crash), time.Second)
	s.since = time.Now().Add(-time.Minute)
	assert.Greater(t, s.lasts(crash), 50*time.Second)

	progress := crash
	progress.ready = 1
	assert.Less(t, s.lasts(progress), time.Second, "another pod became ready")
	s.since = time.Now().Add(-time.Minute)
	assert.Less(t, s.lasts(view{trouble: trouble{kind: troubleImage}}), time.Second, "another trouble")
	s.since = time.Now().Add(-time.Minute)
	assert.Zero(t, s.lasts(view{}), "no trouble")
	assert.Less(t, s.lasts(crash), time.Second, "it begins anew")
}
