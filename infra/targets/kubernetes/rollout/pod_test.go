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
		assert.Equal(t, tt.want, p.terminating(now), name)
	}
}
