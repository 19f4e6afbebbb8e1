package config

import (
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
	"escala/service/listen"
	"escala/service/rooms"
)

func env(m map[string]string) func(string) string {
	return func(name string) string { return m[name] }
}

func TestWorkerDefaults(t *testing.T) {
	t.Parallel()
	w, err := ReadWorker(env(nil))
	require.NoError(t, err)
	assert.Equal(t, listen.Address{Network: listen.TCP, Port: 3000}, w.Listen)
	assert.Equal(t, "/health", w.HealthPath)
	assert.Equal(t, "/ready", w.ReadyPath)
	assert.Equal(t, "errors", w.LogRequests)
	assert.True(t, w.MetricsOnPort)
	assert.Zero(t, w.Lifecycle.Announce)
	assert.Nil(t, w.Shared.Redis)
	assert.Nil(t, w.Shared.Rooms)
	assert.Empty(t, w.Shared.Keys)
	for _, d := range []time.Duration{w.HTTP.ReadHeaderTimeout, w.HTTP.ReadTimeout, w.HTTP.WriteTimeout, w.HTTP.IdleTimeout} {
		assert.Positive(t, d, "every timeout is set")
	}
}

func TestWorkerSettings(t *testing.T) {
	t.Parallel()
	w, err := ReadWorker(env(map[string]string{
		"LISTEN": "unix:/run/a", "PORT": "ignored", "WORKER": "2", "LOG_LEVEL": "debug", "METRICS": "admin",
		"TRUSTED_PROXIES": "10.1.2.3, 192.168.0.0/16,2001:db8::/32", "REDIS_URL": "rediss://u:p@h:6380/2", "REDIS_PREFIX": "x:",
		"ROOMS": "true", "WORKERS": "8", "WS_SLOW_CLIENT": "drop", "WS_ORIGINS": "a.org, *.b.org", "WS_PING_INTERVAL": "10s",
		"HTTP_MAX_BODY_BYTES": "0", "START_TIMEOUT": "3s", "DRAIN_TIMEOUT": "9s",
	}))
	require.NoError(t, err)
	assert.Equal(t, listen.Address{Network: listen.Unix, Path: "/run/a"}, w.Listen)
	assert.Equal(t, 2, w.Number)
	assert.False(t, w.MetricsOnPort)
	assert.Equal(t, []netip.Prefix{netip.MustParsePrefix("10.1.2.3/32"), netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}, w.TrustedProxies)
	assert.Equal(t, "h:6380", w.Shared.Redis.Addr)
	assert.NotNil(t, w.Shared.Redis.TLSConfig)
	assert.Equal(t, rooms.DropSlow, w.Shared.Rooms.Slow)
	assert.Equal(t, []string{"a.org", "*.b.org"}, w.Shared.Rooms.Origins)
	assert.Equal(t, 10*time.Second, w.Shared.Rooms.PingInterval)
	assert.Equal(t, 3*time.Second, w.Lifecycle.Start)
	assert.Equal(t, 9*time.Second, w.Lifecycle.Drain)
}

// TestASpecsEnvironmentIsUnderstood: what a renderer gives a worker is valid
// for the worker, whatever the target.
func TestASpecsEnvironmentIsUnderstood(t *testing.T) {
	t.Parallel()
	s := service.NewSpec()
	s.WebSocket.Rooms = true
	s.Redis.Mode = service.RedisLocal
	require.NoError(t, s.Validate())
	m := s.Environ()
	m[service.EnvListen], m[service.EnvWorker], m[service.EnvSupervised], m[service.EnvWorkers] = "fd:0", "1", "supervisord", "2"
	w, err := ReadWorker(env(m))
	require.NoError(t, err)
	assert.NotNil(t, w.Shared.Rooms)
	assert.Equal(t, s.Lifecycle.Drain, w.Lifecycle.Drain)
}

func TestWorkerViolations(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, value, says string }{
		{"LISTEN", "3000", "is none of"},
		{"PORT", "70000", "is not a whole number from 0 to 65535; for example 3000"},
		{"WORKER", "-1", "whole number"},
		{"HEALTH_PATH", "/a{b}", `is not a path; for example "/health"`},
		{"READY_PATH", "/health", "must differ"},
		{"LOG_REQUESTS", "some", "is none of errors, all, none"},
		{"LOG_LEVEL", "loud", "is none of debug, info, warn, error"},
		{"METRICS", "public", "is none of direct, admin"},
		{"TRUSTED_PROXIES", "10.0.0.0/33", "neither an address nor a network"},
		{"TRUSTED_PROXIES", "fe80::1%eth0", "neither an address nor a network"},
		{"HTTP_IDLE_TIMEOUT", "0", "is not a duration of 1ms or more"},
		{"HTTP_MAX_BODY_BYTES", "1MB", "whole number"},
		{"ROOMS", "yes", `neither "true" nor "false"`},
		{"WS_PING_INTERVAL", "60s", "is not below 1m0s"},
		{"WS_SLOW_CLIENT", "wait", "is none of close, drop"},
		{"WS_ORIGINS", "[", "is not a host or a pattern"},
		{"WS_RATE", "0", "whole number from 1"},
		{"REDIS_URL", "localhost:6379", "is not redis://"},
		{"SESSION_KEYS", "k:c2hvcnQ=", "at least 32 bytes"},
		{"SESSION_TTL", "1ms", "is not a duration of 1s or more"},
		{"WORKERS", "0", "whole number from 1"},
		{"START_TIMEOUT", "soon", "is not a duration"},
		{"DRAIN_LINGER", "-1s", "is not a duration of 0 or more"},
	}
	all := map[string]string{}
	for _, tt := range tests {
		t.Run(tt.name+"="+tt.value, func(t *testing.T) {
			t.Parallel()
			_, err := ReadWorker(env(map[string]string{tt.name: tt.value}))
			var v service.Violations
			require.ErrorAs(t, err, &v)
			require.Len(t, v, 1)
			assert.Equal(t, tt.name, v[0].Path)
			assert.Contains(t, v[0].Problem, tt.says)
		})
		if tt.name != "READY_PATH" {
			all[tt.name] = tt.value
		}
	}
	_, err := ReadWorker(env(all))
	var v service.Violations
	require.ErrorAs(t, err, &v)
	reported := map[string]bool{}
	for _, one := range v {
		reported[one.Path] = true
	}
	delete(all, "PORT") // LISTEN goes before it
	for name := range all {
		assert.True(t, reported[name], "%s is reported with all others", name)
	}
}

func TestClusterSettings(t *testing.T) {
	t.Parallel()
	c, err := ReadPrefork(env(map[string]string{"WORKERS": "3", "RUN_DIR": "/x", "WORKER_MEMORY_MAX_MIB": "100", "DRAIN_TIMEOUT": "9s"}))
	require.NoError(t, err)
	assert.Equal(t, 3, c.Workers)
	assert.Equal(t, "/x", c.RunDir)
	assert.EqualValues(t, 100<<20, c.MemoryMax)
	assert.Equal(t, 9*time.Second+service.StopMargin, c.Lifecycle.Stop)
	_, err = ReadPrefork(env(map[string]string{"ROOMS": "true", "WORKERS": "1"}))
	require.NoError(t, err, "one worker needs no Redis")
}

func FuzzReadWorker(f *testing.F) {
	f.Add("LISTEN", "fd:0")
	f.Add("TRUSTED_PROXIES", "10.0.0.0/8,::1")
	f.Add("REDIS_URL", "redis://:pw@h:1/0?db=2")
	f.Fuzz(func(t *testing.T, name, value string) {
		_, err := ReadWorker(env(map[string]string{name: value}))
		if err == nil {
			return
		}
		var v service.Violations
		if !errors.As(err, &v) || len(v) == 0 {
			t.Fatalf("%s=%q: %v is not a list of violations", name, value, err)
		}
	})
}
