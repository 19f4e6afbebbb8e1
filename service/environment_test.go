package service

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLifecycleFrom(t *testing.T) {
	t.Parallel()
	defaults := NewLifecycle().WithoutAnnounce()
	with := func(change func(*Lifecycle)) Lifecycle {
		l := defaults
		change(&l)
		return l
	}
	tests := []struct {
		name string
		env  map[string]string
		want Lifecycle
		bad  []string
	}{
		{"nothing set", nil, defaults, nil},
		{"everything set", map[string]string{
			"START_TIMEOUT": "40s", "DRAIN_ANNOUNCE": "3s", "DRAIN_LINGER": "1500ms", "DRAIN_CLOSE_JITTER": "0", "DRAIN_TIMEOUT": "1m",
		}, with(func(l *Lifecycle) {
			l.Start = 40 * time.Second
			l.Announce, l.Linger, l.CloseJitter, l.Drain = 3*time.Second, 1500*time.Millisecond, 0, time.Minute
		}), nil},
		{"all of it wrong", map[string]string{
			"DRAIN_ANNOUNCE": "-1s", "DRAIN_LINGER": "2", "DRAIN_CLOSE_JITTER": "five", "DRAIN_TIMEOUT": "1 s",
		}, Lifecycle{}, []string{"DRAIN_ANNOUNCE", "DRAIN_LINGER", "DRAIN_CLOSE_JITTER", "DRAIN_TIMEOUT"}},
		{"no time to start", map[string]string{"START_TIMEOUT": "0"}, Lifecycle{}, []string{"START_TIMEOUT"}},
		{"each fine, the order wrong", map[string]string{"DRAIN_TIMEOUT": "2s"}, Lifecycle{}, []string{"linger", "closeJitter"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := LifecycleFrom(func(name string) string { return tt.env[name] })
			if tt.bad == nil {
				require.NoError(t, err)
				assert.Equal(t, tt.want, got)
				return
			}
			var v Violations
			require.ErrorAs(t, err, &v)
			var paths []string
			for _, one := range v {
				paths = append(paths, one.Path)
			}
			assert.Equal(t, tt.bad, paths)
		})
	}
}

// TestWhatIsRenderedIsRead checks that a worker reads the values of a Spec back
// from its environment.
func TestWhatIsRenderedIsRead(t *testing.T) {
	t.Parallel()
	s := NewSpec()
	s.Lifecycle.Linger, s.Lifecycle.Drain = 3*time.Second, 17*time.Second
	s.Redis.Mode = RedisLocal
	s.Env = map[string]string{"GREETING": "hello"}
	env := s.Environ()
	got, err := LifecycleFrom(func(name string) string { return env[name] })
	require.NoError(t, err)
	want := s.Lifecycle
	assert.Equal(t, want, got)
	assert.Equal(t, "/health", env[EnvHealthPath])
	assert.Equal(t, "/ready", env[EnvReadyPath])
	assert.Equal(t, "false", env[EnvRooms])
	assert.Equal(t, "25s", env[EnvPing])
	assert.Equal(t, LocalRedisURL, env[EnvRedis])
	assert.Equal(t, "hello", env["GREETING"])
	assert.Equal(t, "230MiB", env["GOMEMLIMIT"])
	for _, name := range []string{EnvListen, EnvPort, EnvWorker, EnvAdmin} {
		assert.NotContains(t, env, name, "differs per worker")
	}
}

func TestLifecycleDerived(t *testing.T) {
	t.Parallel()
	l := NewLifecycle()
	assert.Equal(t, l.Linger/2, l.UpstreamIdle())
	assert.Zero(t, l.WithoutAnnounce().Announce)
	assert.NotZero(t, l.Announce, "the original stays")
}
