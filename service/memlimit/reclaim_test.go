package memlimit

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestOnlyAProcessAtRestGivesMemoryBack(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	constant := func(u usage) func(int) usage { return func(int) usage { return u } }
	tests := map[string]struct {
		at   func(tick int) usage
		want int
	}{
		"at rest, much to gain":                {constant(usage{live: mib, reclaimable: 20 * mib}), 4},
		"at rest, little to gain":              {constant(usage{live: mib, reclaimable: 4*mib - 1}), 0},
		"a large heap, less to gain than live": {constant(usage{live: 100 * mib, reclaimable: 50 * mib}), 0},
		"a large heap, more to gain than live": {constant(usage{live: 100 * mib, reclaimable: 100 * mib}), 4},
		"busy": {func(tick int) usage {
			return usage{live: mib, reclaimable: 20 * mib, cycles: uint64(tick)}
		}, 0},
		"a collection now and then": {func(tick int) usage {
			return usage{live: mib, reclaimable: 20 * mib, cycles: uint64(tick / 4)}
		}, 0},
		"busy for a while, then given back once": {func(tick int) usage {
			if tick <= 10 {
				return usage{live: mib, reclaimable: 20 * mib, cycles: uint64(tick)}
			}
			return usage{live: mib, reclaimable: 20 * mib * uint64(17-min(tick, 17)), cycles: 10}
		}, 1},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			freed := 0
			r := reclaimer{free: func() { freed++ }}
			for tick := 1; tick <= 4*idleTicks; tick++ {
				r.tick(tt.at(tick))
			}
			assert.Equal(t, tt.want, freed)
		})
	}
}
