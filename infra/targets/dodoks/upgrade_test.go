package dodoks

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestUpgradeIsAwaited checks that the update waits for an upgrade, and that an
// upgrade that never begins is reported long before the time limit.
func TestUpgradeIsAwaited(t *testing.T) {
	const from, to = "1.35.9-do.0", "1.36.5-do.0"
	type seen struct {
		status, version string
		err             error
	}
	for name, c := range map[string]struct {
		// at maps times to the cluster's status from that time on.
		at   map[time.Duration]seen
		took time.Duration
		said string
	}{
		"an upgrade": {map[time.Duration]seen{
			0: {statusRunning, from, nil}, 2 * time.Minute: {"upgrading", from, nil}, 20 * time.Minute: {statusRunning, to, nil},
		}, 20 * time.Minute, ""},
		"an API that is away": {map[time.Duration]seen{
			0: {"upgrading", from, nil}, time.Minute: {"", "", errors.New("502")}, 4 * time.Minute: {statusRunning, to, nil},
		}, 4 * time.Minute, ""},
		"one that was refused before": {map[time.Duration]seen{0: {statusRunning, from, nil}}, upgradeBegins, "run `pulumi refresh`, then update again"},
		"one that hangs":              {map[time.Duration]seen{0: {"upgrading", from, nil}}, upgradeTimeout, "cluster c is upgrading, with version " + from},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				err := upgrade{cluster: "c", wanted: to, report: func(string) {}, read: func() (string, string, error) {
					var now seen
					var since time.Duration = -1
					for at, is := range c.at {
						if at <= time.Since(began) && at > since {
							now, since = is, at
						}
					}
					return now.status, now.version, now.err
				}}.wait(t.Context())
				if c.said == "" {
					require.NoError(t, err)
				} else {
					require.ErrorContains(t, err, c.said)
				}
				assert.InDelta(t, c.took, time.Since(began), float64(15*time.Second))
			})
		})
	}
}
