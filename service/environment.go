package service

import (
	"fmt"
	"strconv"
	"time"
)

// The environment variables that a supervisor gives to a worker. Renderers
// write them from a Spec, the binary reads them; both through this file.
const (
	// EnvListen is what to listen on: "fd:0" (an inherited socket),
	// "unix:/path" or "tcp:host:port". It goes before EnvPort.
	EnvListen = "LISTEN"
	// EnvPort is the TCP port when EnvListen is not set.
	EnvPort = "PORT"
	// EnvHost is the address for EnvPort; empty is every interface.
	EnvHost = "HOST"
	// EnvWorker is the worker's number on its machine, from 0.
	EnvWorker = "WORKER"
	// EnvAdmin is the path of a Unix socket on which this one worker answers
	// for itself, whatever happens to the shared port.
	EnvAdmin = "ADMIN_SOCKET"
	// EnvHealthPath and EnvReadyPath are Spec.HealthPath and Spec.ReadyPath.
	EnvHealthPath = "HEALTH_PATH"
	EnvReadyPath  = "READY_PATH"
	// EnvRedis is a redis:// or rediss:// URL.
	EnvRedis = "REDIS_URL"
	// EnvRooms is "true" when WebSocket rooms are on.
	EnvRooms = "ROOMS"
	// EnvWorkers is how many workers share the traffic; a single process
	// that has rooms on and is one of several needs Redis.
	EnvWorkers = "WORKERS"
	// EnvSupervised is set by whatever already runs several workers on one
	// socket ("supervisord"), so that api cluster inside it is refused.
	EnvSupervised = "SUPERVISED"
	// EnvPing is WebSocket.PingInterval.
	EnvPing = "WS_PING_INTERVAL"
)

// lifecycleEnv pairs each of a Lifecycle's values that a worker acts on with
// its environment variable.
func lifecycleEnv(l *Lifecycle) []struct {
	Name  string
	Value *time.Duration
} {
	return []struct {
		Name  string
		Value *time.Duration
	}{
		{"DRAIN_ANNOUNCE", &l.Announce},
		{"DRAIN_LINGER", &l.Linger},
		{"DRAIN_CLOSE_JITTER", &l.CloseJitter},
		{"DRAIN_TIMEOUT", &l.Drain},
	}
}

// Environ is what every worker of the service gets, whatever it runs on:
// paths, lifecycle, WebSocket and Redis settings, and then Spec.Env, which may
// not name any of them (see Validate). What differs per worker (EnvListen,
// EnvWorker, EnvAdmin) is the renderer's to add.
func (s Spec) Environ() map[string]string {
	env := s.ownEnv()
	for k, v := range s.Env {
		env[k] = v
	}
	return env
}

func (s Spec) ownEnv() map[string]string {
	env := map[string]string{
		EnvHealthPath: s.HealthPath,
		EnvReadyPath:  s.ReadyPath,
		EnvRooms:      strconv.FormatBool(s.WebSocket.Rooms),
		EnvPing:       s.WebSocket.PingInterval.String(),
		"GOMEMLIMIT":  fmt.Sprintf("%dMiB", s.Resources.MemoryMiB*goMemoryPercent/100),
	}
	if url := s.Redis.Address(); url != "" {
		env[EnvRedis] = url
	}
	for _, one := range lifecycleEnv(&s.Lifecycle) {
		env[one.Name] = one.Value.String()
	}
	return env
}

// LifecycleFrom reads a worker's lifecycle from its environment. What is not
// set keeps NewLifecycle's default, but for Announce, which is 0 then: a
// process started by hand has no load balancer to warn. All bad values are
// reported at once, as Violations.
func LifecycleFrom(getenv func(string) string) (Lifecycle, error) {
	l := NewLifecycle().WithoutAnnounce()
	var bad Violations
	for _, one := range lifecycleEnv(&l) {
		s := getenv(one.Name)
		if s == "" {
			continue
		}
		d, err := time.ParseDuration(s)
		if err != nil || d < 0 {
			bad.Add(one.Name, "%q is not a duration of 0 or more; for example %q", s, one.Value.String())
			continue
		}
		*one.Value = d
	}
	if len(bad) == 0 {
		bad = l.drainOrder()
	}
	return l, bad.Err()
}
