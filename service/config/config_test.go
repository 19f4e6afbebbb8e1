package config

import (
	"errors"
	"net/netip"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
	"escala/service/listen"
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
	assert.Empty(t, w.Shared.RedisURL)
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
	assert.Equal(t, "rediss://u:p@h:6380/2", w.Shared.RedisURL)
	assert.True(t, w.Shared.Rooms.DropSlow)
	assert.Equal(t, []string{"a.org", "*.b.org"}, w.Shared.Rooms.Origins)
	assert.Equal(t, 10*time.Second, w.Shared.Rooms.PingInterval)
	assert.Equal(t, 3*time.Second, w.Lifecycle.Start)
	assert.Equal(t, 9*time.Second, w.Lifecycle.Drain)
}

// TestASpecsEnvironmentIsUnderstood checks that a worker accepts the environment
// that is rendered for each target.
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
	tests := []struct{ name, value, message string }{
		{"LISTEN", "3000", "is not one of"},
		{"PORT", "70000", "is not a whole number from 0 to 65535; for example 3000"},
		{"WORKER", "-1", "whole number"},
		{"HEALTH_PATH", "/a{b}", "is not a path; for example \"/health\""},
		{"READY_PATH", "/health", "must differ"},
		{"LOG_REQUESTS", "some", "is not one of errors, all, none"},
		{"LOG_LEVEL", "loud", "is not one of debug, info, warn, error"},
		{"METRICS", "public", "is not one of direct, admin"},
		{"TRUSTED_PROXIES", "10.0.0.0/33", "neither an address nor a network"},
		{"TRUSTED_PROXIES", "fe80::1%eth0", "neither an address nor a network"},
		{"HTTP_IDLE_TIMEOUT", "0", "is not a duration of 1ms or more"},
		{"HTTP_MAX_BODY_BYTES", "1MB", "whole number"},
		{"ROOMS", "yes", `neither "true" nor "false"`},
		{"WS_PING_INTERVAL", "75s", "is not below PROXY_IDLE_TIMEOUT (1m15s)"},
		{"WS_MAX_CLIENTS", "12001", "is above HTTP_MAX_CONNECTIONS (12000)"},
		{"WS_QUEUE_BYTES", "1", "whole number from 1024"},
		{"HEALTH_PATH", "/status", "is what a worker answers itself"},
		{"HEALTH_PATH", "//health", "empty or dot segments"},
		{"READY_PATH", "/metrics", "is what a worker answers itself"},
		{"TRUSTED_HEADERS", "X-Forwarded-For,Cookie", `"Cookie" is not one of Forwarded`},
		{"REDIS_PREFIX", "a b", "has other characters"},
		{"REDIS_URL", "redis://h:6379/mydb", "no number of a database"},
		{"REDIS_URL", "redis://:12#x@h/0", "percent-encoded"},
		{"OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318", "is not the URL of a collector"},
		{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "ftp://c", "is not the URL of a collector"},
		{"OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "c", "is not the URL of a collector"},
		{"OTEL_EXPORTER_OTLP_LOGS_ENDPOINT", "http://", "is not the URL of a collector"},
		{"OTEL_TRACES_EXPORTER", "zipkin", `neither "otlp" nor "none"`},
		{"OTEL_METRICS_EXPORTER", "console", `neither "otlp" nor "none"`},
		{"OTEL_LOGS_EXPORTER", "prometheus", `neither "otlp" nor "none"`},
		{"METRICS_PORT", "x", "whole number"},
		{"START_TIMEOUT", "0", "no worker would ever be ready"},
		{"WS_SLOW_CLIENT", "wait", "is not one of close, drop"},
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
			assert.Contains(t, v[0].Problem, tt.message)
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
	delete(all, "PORT") // LISTEN takes precedence
	for name := range all {
		assert.True(t, reported[name], "%s is reported with all others", name)
	}
}

func TestUnixSocketsHaveAModeAndAGroup(t *testing.T) {
	t.Parallel()
	w, err := ReadWorker(env(map[string]string{"LISTEN": "unix:/run/a", "LISTEN_MODE": "0666", "LISTEN_GROUP": "www-data"}))
	require.NoError(t, err)
	assert.Equal(t, listen.Address{Network: listen.Unix, Path: "/run/a", Mode: 0o666, Group: "www-data"}, w.Listen)
	_, err = ReadWorker(env(map[string]string{"LISTEN_GROUP": "www-data"}))
	require.ErrorContains(t, err, "LISTEN_GROUP: is set, but the worker listens on tcp::3000, which is no Unix socket")
	for _, bad := range []string{"0999", "rw", "0", "01777"} {
		_, err = ReadWorker(env(map[string]string{"LISTEN": "unix:/run/a", "LISTEN_MODE": bad}))
		require.ErrorContains(t, err, "is not a mode in octal", bad)
	}
}

// TestPlansRefuseWhatWorkersRefuse checks that a plan reports settings that keep
// a worker from starting, with their keys. Earlier versions passed these
// settings.
func TestPlansRefuseWhatWorkersRefuse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, path, message string
		change              func(*service.Spec)
		secrets             map[string]string
	}{
		{"the log's level", "env.LOG_LEVEL", "is not one of debug", func(s *service.Spec) { s.Env = map[string]string{"LOG_LEVEL": "verbose"} }, nil},
		{"a number with a unit", "env.WS_MAX_MESSAGE_BYTES", "whole number", func(s *service.Spec) { s.Env = map[string]string{"WS_MAX_MESSAGE_BYTES": "50MB"} }, nil},
		{"a collector", "env.OTEL_EXPORTER_OTLP_ENDPOINT", "is not the URL", func(s *service.Spec) { s.Env = map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318"} }, nil},
		{"Redis' address in a secret", "secrets.REDIS_URL", "percent-encoded", func(s *service.Spec) { s.Secrets = []string{"REDIS_URL"} }, map[string]string{"REDIS_URL": "redis://:p#w@h:6379/0"}},
		{"keys in a secret", "secrets.SESSION_KEYS", "at least 32 bytes", func(s *service.Spec) { s.Secrets = []string{"SESSION_KEYS"} }, map[string]string{"SESSION_KEYS": "k1:c2hvcnQ="}},
		{"a ping between the two old limits", "", "", func(s *service.Spec) { s.WebSocket.PingInterval = 65 * time.Second }, nil},
		{"a service that starts slowly", "", "", func(s *service.Spec) { s.Lifecycle.Start = time.Minute }, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := service.NewSpec()
			tt.change(&s)
			require.NoError(t, s.Validate())
			v := Planned(s, tt.secrets)
			if tt.path == "" {
				assert.Empty(t, v)
				return
			}
			require.Len(t, v, 1)
			assert.Equal(t, tt.path, v[0].Path)
			assert.Contains(t, v[0].Problem, tt.message)
		})
	}
	s := service.NewSpec()
	s.WebSocket.Rooms, s.Redis = true, service.Redis{Mode: service.RedisURL, URL: "redis://h:6379/0"}
	assert.Empty(t, Planned(s, nil), "rooms on several workers")
}

func TestStartTimeIsOneValue(t *testing.T) {
	t.Parallel()
	s := service.NewSpec()
	s.Lifecycle.Start = time.Minute
	m := s.Environ()
	w, err := ReadWorker(env(m))
	require.NoError(t, err)
	assert.Equal(t, time.Minute, w.Lifecycle.Start, "the supervisor and the worker wait equally long")
	assert.Equal(t, s.Limits.BodyBytes(), w.HTTP.MaxBodyBytes)
	assert.Equal(t, s.Limits.HeaderBytes(), w.HTTP.MaxHeaderBytes)
	assert.Equal(t, s.Limits.ResponseHeaderBytes(), w.HTTP.MaxResponseHeaderBytes)
	assert.Equal(t, s.Limits.Connections, w.HTTP.MaxConnections)
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

// TestWorkersFollowTheQuota checks that the default follows GOMAXPROCS, which
// includes a container's quota; the number of processors does not. It does not
// run in parallel with other tests.
func TestWorkersFollowTheQuota(t *testing.T) { //nolint:paralleltest // it changes the process
	before := runtime.GOMAXPROCS(runtime.NumCPU() + 3)
	defer runtime.GOMAXPROCS(before)
	c, err := ReadPrefork(env(map[string]string{"RUN_DIR": "/x"}))
	require.NoError(t, err)
	assert.Equal(t, runtime.NumCPU()+3, c.Workers)
}

func TestRunDirIsCheckedAtTheStart(t *testing.T) {
	t.Parallel()
	for dir, says := range map[string]string{
		"/run/api":                        "",
		"/" + strings.Repeat("a", 83):     "",
		"run":                             "is not an absolute path",
		"/" + strings.Repeat("a", 87):     "leave no room for the sockets' names",
		"./" + strings.Repeat("a", 4):     "is not an absolute path",
		"/tmp/" + strings.Repeat("b", 90): "leave no room for the sockets' names",
	} {
		_, err := ReadPrefork(env(map[string]string{"RUN_DIR": dir}))
		if says == "" {
			require.NoError(t, err, dir)
			continue
		}
		require.ErrorContains(t, err, says, dir)
	}
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
