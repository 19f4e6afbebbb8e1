package service

import (
	"maps"
	"strconv"
	"strings"
	"time"
)

// Environment variables that a supervisor gives to a worker. Renderers write
// them from a Spec and the binary reads them, both through this file.
const (
	// EnvListen is the address to listen on: "fd:0" (an inherited socket),
	// "unix:/path" or "tcp:host:port". It takes precedence over EnvPort.
	EnvListen = "LISTEN"
	// EnvPort is the TCP port if EnvListen is not set.
	EnvPort = "PORT"
	// EnvHost is the address for EnvPort; empty is every interface.
	EnvHost = "HOST"
	// EnvMetricsPort is a TCP port on every interface, on which a worker answers
	// only MetricsPath; 0 for none.
	EnvMetricsPort = "METRICS_PORT"
	// EnvMetrics selects where /metrics is served. "direct" also serves it on
	// the public port, for clients that connect without a proxy. "admin" serves
	// it only on the admin socket and on EnvMetricsPort. Default direct.
	EnvMetrics = "METRICS"
	// EnvCountsKey is a key. A worker with a key answers CountsPath for requests that
	// have it in the header CountsHeader, with the numbers of its answers. Default
	// none.
	EnvCountsKey = "COUNTS_KEY"
	// EnvMaintenance is the path of a file. While the file exists, a worker
	// answers with its content and status 503 in place of the application.
	// Default none.
	EnvMaintenance = "MAINTENANCE_FILE"
	// EnvWorker is the worker's number on its machine, from 0.
	EnvWorker = "WORKER"
	// EnvAdmin is the path of the worker's own Unix socket, which answers for
	// this worker alone, independently of the shared port.
	EnvAdmin = "ADMIN_SOCKET"
	// EnvName is Spec.Name. It is not set for the default name.
	EnvName = "SERVICE_NAME"
	// EnvHealthPath and EnvReadyPath are Spec.HealthPath and Spec.ReadyPath.
	EnvHealthPath = "HEALTH_PATH"
	EnvReadyPath  = "READY_PATH"
	// EnvRedis is a redis:// or rediss:// URL.
	EnvRedis = "REDIS_URL"
	// EnvRooms is "true" if WebSocket rooms are on.
	EnvRooms = "ROOMS"
	// EnvWorkers is the number of workers that share the traffic. A worker with
	// rooms needs Redis if there are several workers.
	EnvWorkers = "WORKERS"
	// EnvSupervised is set by a supervisor that runs several workers on one
	// socket ("supervisord"). api cluster refuses to run inside it.
	EnvSupervised = "SUPERVISED"
	// EnvPing is WebSocket.PingInterval, EnvProxyIdle is WebSocket.ProxyIdle.
	EnvPing      = "WS_PING_INTERVAL"
	EnvProxyIdle = "PROXY_IDLE_TIMEOUT"
	// EnvMaxResponseHeader is Limits.ResponseHeaderKiB in bytes.
	EnvMaxResponseHeader = "HTTP_MAX_RESPONSE_HEADER_BYTES"
	// EnvMaxBody and EnvMaxHeader are Limits.BodyMiB and Limits.HeaderKiB in
	// bytes, EnvMaxConnections is Limits.Connections.
	EnvMaxBody        = "HTTP_MAX_BODY_BYTES"
	EnvMaxHeader      = "HTTP_MAX_HEADER_BYTES"
	EnvMaxConnections = "HTTP_MAX_CONNECTIONS"
	// EnvTrustedProxies is Spec.TrustedProxies: further addresses and networks,
	// besides loopback and Unix sockets, of proxies whose headers about the
	// client are believed.
	EnvTrustedProxies = "TRUSTED_PROXIES"
	// EnvTrustedHeaders lists the ClientClaims that the trusted proxies set.
	EnvTrustedHeaders = "TRUSTED_HEADERS"
	// EnvRedisPrefix is Redis.Prefix.
	EnvRedisPrefix = "REDIS_PREFIX"
	// EnvGoMemory is the Go runtime's own variable for its memory limit. It is
	// set to a share of the memory that a process may use.
	EnvGoMemory = "GOMEMLIMIT"
	// EnvStartTimeout is Lifecycle.Start.
	EnvStartTimeout = "START_TIMEOUT"
)

// lifecycleVariable pairs a value of a Lifecycle that workers use with its
// environment variable and its key.
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

// Environ returns the environment that every worker gets on every target:
// paths, limits, lifecycle, WebSocket and Redis settings, and Spec.Env, which
// must not contain any of these variables (see Validate). A renderer adds the
// variables that differ per worker (EnvListen, EnvWorker, EnvAdmin).
func (s Spec) Environ() map[string]string {
	env := s.ownEnv()
	for k, v := range s.Env {
		env[k] = v
	}
	return env
}

// variable is an environment variable that a Spec sets.
type variable struct {
	// Value is the workers' value. Key is the key of the description that sets
	// it.
	Value, Key string
}

func (s Spec) ownEnv() map[string]string {
	env := map[string]string{}
	for name, one := range s.variables() {
		env[name] = one.Value
	}
	return env
}

// variables returns all variables that the description sets, by name.
func (s Spec) variables() map[string]variable {
	env := map[string]variable{
		EnvGoMemory: {GoMemory(s.Resources.MemoryMiB), "resources.memoryMiB"},
	}
	if url := s.Redis.Address(); url != "" {
		env[EnvRedis] = variable{url, "redis.url"}
	}
	if s.Redis.Prefix != "" {
		env[EnvRedisPrefix] = variable{s.Redis.Prefix, "redis.prefix"}
	}
	if s.Runtime != RuntimeNone {
		maps.Copy(env, s.runtimeVariables())
	}
	return env
}

// runtimeVariables returns the variables that only escala's runtime reads.
func (s Spec) runtimeVariables() map[string]variable {
	env := map[string]variable{
		EnvHealthPath:        {s.HealthPath, "healthPath"},
		EnvReadyPath:         {s.ReadyPath, "readyPath"},
		EnvRooms:             {strconv.FormatBool(s.WebSocket.Rooms), "webSocket.rooms"},
		EnvPing:              {s.WebSocket.PingInterval.String(), "webSocket.pingInterval"},
		EnvProxyIdle:         {s.WebSocket.ProxyIdle.String(), "webSocket.proxyIdle"},
		EnvMaxBody:           {strconv.FormatInt(s.Limits.BodyBytes(), 10), "limits.bodyMiB"},
		EnvMaxHeader:         {strconv.Itoa(s.Limits.HeaderBytes()), "limits.headerKiB"},
		EnvMaxResponseHeader: {strconv.Itoa(s.Limits.ResponseHeaderBytes()), "limits.responseHeaderKiB"},
		EnvMaxConnections:    {strconv.Itoa(s.Limits.Connections), "limits.connections"},
	}
	if s.Name != NewSpec().Name {
		env[EnvName] = variable{s.Name, "name"}
	}
	if len(s.TrustedProxies) > 0 {
		env[EnvTrustedProxies] = variable{strings.Join(s.TrustedProxies, ","), "trustedProxies"}
	}
	for _, one := range lifecycleEnv(&s.Lifecycle) {
		env[one.Name] = variable{one.Value.String(), one.Key}
	}
	return env
}

// KeyOf returns the key of the description that sets a worker's environment
// variable, such as "limits.bodyMiB" for HTTP_MAX_BODY_BYTES, or "" if none
// does.
func (s Spec) KeyOf(name string) string { return s.variables()[name].Key }

// LifecycleFrom reads a worker's lifecycle from its environment. A variable
// that is not set gets NewLifecycle's default. Only Announce defaults to 0,
// because a process that is started by hand has no load balancer to notify. The
// error contains all bad values, as Violations.
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
