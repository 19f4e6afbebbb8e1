package service

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The environment variables that a supervisor gives to a worker. Renderers
// write them from a Spec, the binary reads them; both through this file.
const (
	// EnvListen is the address to listen on: "fd:0" (an inherited socket),
	// "unix:/path" or "tcp:host:port". It goes before EnvPort.
	EnvListen = "LISTEN"
	// EnvPort is the TCP port when EnvListen is not set.
	EnvPort = "PORT"
	// EnvHost is the address for EnvPort; empty is every interface.
	EnvHost = "HOST"
	// EnvWorker is the worker's number on its machine, from 0.
	EnvWorker = "WORKER"
	// EnvAdmin is the path of a Unix socket on which this one worker answers
	// for itself, independently of the shared port.
	EnvAdmin = "ADMIN_SOCKET"
	// EnvHealthPath and EnvReadyPath are Spec.HealthPath and Spec.ReadyPath.
	EnvHealthPath = "HEALTH_PATH"
	EnvReadyPath  = "READY_PATH"
	// EnvRedis is a redis:// or rediss:// URL.
	EnvRedis = "REDIS_URL"
	// EnvRooms is "true" when WebSocket rooms are on.
	EnvRooms = "ROOMS"
	// EnvWorkers is the number of workers that share the traffic. A worker with
	// rooms that is one of several needs Redis.
	EnvWorkers = "WORKERS"
	// EnvSupervised is set by a supervisor that runs several workers on one
	// socket ("supervisord"), so that api cluster inside it is refused.
	EnvSupervised = "SUPERVISED"
	// EnvPing is WebSocket.PingInterval, EnvProxyIdle is WebSocket.ProxyIdle.
	EnvPing      = "WS_PING_INTERVAL"
	EnvProxyIdle = "PROXY_IDLE_TIMEOUT"
	// EnvMaxBody and EnvMaxHeader are Limits.BodyMiB and Limits.HeaderKiB in
	// bytes, EnvMaxConnections is Limits.Connections.
	EnvMaxBody        = "HTTP_MAX_BODY_BYTES"
	EnvMaxHeader      = "HTTP_MAX_HEADER_BYTES"
	EnvMaxConnections = "HTTP_MAX_CONNECTIONS"
	// EnvTrustedProxies is Spec.TrustedProxies: addresses and networks, beside
	// loopback and Unix sockets, that may speak for their clients.
	EnvTrustedProxies = "TRUSTED_PROXIES"
	// EnvTrustedHeaders are the ClientClaims that those set.
	EnvTrustedHeaders = "TRUSTED_HEADERS"
	// EnvRedisPrefix is Redis.Prefix.
	EnvRedisPrefix = "REDIS_PREFIX"
	// EnvStartTimeout is Lifecycle.Start.
	EnvStartTimeout = "START_TIMEOUT"
)

// lifecycleVariable pairs one of a Lifecycle's values that a worker acts on with
// its environment variable and its key.
type lifecycleVariable struct {
	Name, Key string
	Value     *time.Duration
}

func lifecycleEnv(l *Lifecycle) []lifecycleVariable {
	return []lifecycleVariable{
		{EnvStartTimeout, "lifecycle.start", &l.Start},
		{"DRAIN_ANNOUNCE", "lifecycle.announce", &l.Announce},
		{"DRAIN_LINGER", "lifecycle.linger", &l.Linger},
		{"DRAIN_CLOSE_JITTER", "lifecycle.closeJitter", &l.CloseJitter},
		{"DRAIN_TIMEOUT", "lifecycle.drain", &l.Drain},
	}
}

// Environ is the environment that every worker of the service gets on every
// target: paths, limits, lifecycle, WebSocket and Redis settings, and Spec.Env,
// which may not name any of them (see Validate). A renderer adds the variables
// that differ per worker (EnvListen, EnvWorker, EnvAdmin).
func (s Spec) Environ() map[string]string {
	env := s.ownEnv()
	for k, v := range s.Env {
		env[k] = v
	}
	return env
}

// variable is one of the environment variables that a Spec fills.
type variable struct {
	// Value is what workers get. Key is where the description says it.
	Value, Key string
}

func (s Spec) ownEnv() map[string]string {
	env := map[string]string{}
	for name, one := range s.variables() {
		env[name] = one.Value
	}
	return env
}

// variables are all that the description says to a worker, by their names.
func (s Spec) variables() map[string]variable {
	env := map[string]variable{
		EnvHealthPath:     {s.HealthPath, "healthPath"},
		EnvReadyPath:      {s.ReadyPath, "readyPath"},
		EnvRooms:          {strconv.FormatBool(s.WebSocket.Rooms), "webSocket.rooms"},
		EnvPing:           {s.WebSocket.PingInterval.String(), "webSocket.pingInterval"},
		EnvProxyIdle:      {s.WebSocket.ProxyIdle.String(), "webSocket.proxyIdle"},
		EnvMaxBody:        {strconv.FormatInt(s.Limits.BodyBytes(), 10), "limits.bodyMiB"},
		EnvMaxHeader:      {strconv.Itoa(s.Limits.HeaderBytes()), "limits.headerKiB"},
		EnvMaxConnections: {strconv.Itoa(s.Limits.Connections), "limits.connections"},
		"GOMEMLIMIT":      {fmt.Sprintf("%dMiB", s.Resources.MemoryMiB*goMemoryPercent/100), "resources.memoryMiB"},
	}
	if url := s.Redis.Address(); url != "" {
		env[EnvRedis] = variable{url, "redis.url"}
	}
	if s.Redis.Prefix != "" {
		env[EnvRedisPrefix] = variable{s.Redis.Prefix, "redis.prefix"}
	}
	if len(s.TrustedProxies) > 0 {
		env[EnvTrustedProxies] = variable{strings.Join(s.TrustedProxies, ","), "trustedProxies"}
	}
	for _, one := range lifecycleEnv(&s.Lifecycle) {
		env[one.Name] = variable{one.Value.String(), one.Key}
	}
	return env
}

// KeyOf is the key of the description that sets a worker's environment variable,
// such as "limits.bodyMiB" for HTTP_MAX_BODY_BYTES, or "" if none does.
func (s Spec) KeyOf(name string) string { return s.variables()[name].Key }

// LifecycleFrom reads a worker's lifecycle from its environment. A variable
// that is not set keeps NewLifecycle's default, but for Announce, which is 0: a
// process that is started by hand has no load balancer to warn. The error holds
// all bad values, as Violations.
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
	if l.Start == 0 {
		bad.Add(EnvStartTimeout, "is 0: no worker would ever be ready in time; for example %q", NewLifecycle().Start.String())
	}
	if len(bad) == 0 {
		bad = l.drainOrder()
	}
	return l, bad.Err()
}
