package config

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/netip"
	"strconv"
	"time"

	"escala/service"
	"escala/service/listen"
)

// Environment variables that only the binary reads. Renderers do not write them.
// Spec.Env can set them on a machine or in a manifest.
const (
	// EnvLogLevel is debug, info, warn or error. Default info.
	EnvLogLevel = "LOG_LEVEL"
	// EnvLogRequests selects the requests that are logged: "errors" (answered
	// with 5xx), "all" or "none". Default errors: a proxy in front has an
	// access log, and a log line costs more than the request.
	EnvLogRequests = "LOG_REQUESTS"
	// EnvReadHeaderTimeout is the time limit for a request's header. Default 10
	// s. EnvReadTimeout is the longest silence of a client that sends a body,
	// and EnvWriteTimeout that of a client that reads an answer. A body or an
	// answer may take any time while it progresses. Default 1 min and 2 min.
	// EnvIdleTimeout is the longest time that a connection may be unused. It
	// must be longer than that of any proxy in front, so that the proxy closes
	// first. Default 2 min.
	EnvReadHeaderTimeout = "HTTP_READ_HEADER_TIMEOUT"
	EnvReadTimeout       = "HTTP_READ_TIMEOUT"
	EnvWriteTimeout      = "HTTP_WRITE_TIMEOUT"
	EnvIdleTimeout       = "HTTP_IDLE_TIMEOUT"
	// EnvSocketMode is the mode of the worker's own Unix socket (LISTEN), in
	// octal. Default 0660. EnvSocketGroup is its group, by name or number.
	// Default: the process's own group.
	EnvSocketMode  = "LISTEN_MODE"
	EnvSocketGroup = "LISTEN_GROUP"
)

// Worker holds a worker's settings from its environment.
type Worker struct {
	// Listen is the address for requests.
	Listen listen.Address
	// Number is the worker's number on its machine, from 0.
	Number int
	// AdminSocket is the path of the worker's own Unix socket; empty for none.
	AdminSocket string
	// HealthPath and ReadyPath are answered on every listener.
	HealthPath, ReadyPath string
	// Lifecycle holds the steps of the drain.
	Lifecycle service.Lifecycle
	// HTTP holds the limits of the server.
	HTTP HTTP
	// LogLevel is the least severe level that is logged.
	LogLevel slog.Level
	// LogRequests is "errors", "all" or "none".
	LogRequests string
	// TrustedProxies are further proxies, besides loopback and Unix sockets,
	// whose TrustedHeaders are believed.
	TrustedProxies []netip.Prefix
	TrustedHeaders []string
	// MetricsOnPort reports whether the public port answers /metrics.
	MetricsOnPort bool
	// MetricsPort is the port that answers /metrics alone; 0 for none.
	MetricsPort int
	// CountsKey is the key of service.CountsPath; "" if that path is the
	// application's.
	CountsKey string
	// Maintenance is the path of the page of a maintenance; "" for none.
	Maintenance string
	// Shared holds the settings of Redis, rooms and sessions.
	Shared Shared
	// Service is the name of the service.
	Service string
	// Telemetry holds the settings of the telemetry that the worker sends to a
	// collector.
	Telemetry Telemetry
}

// HTTP holds limits against slow, large and endless requests.
type HTTP struct {
	ReadHeaderTimeout, ReadTimeout, WriteTimeout, IdleTimeout time.Duration
	// MaxHeaderBytes and MaxBodyBytes limit one request. MaxConnections limits
	// all clients together.
	MaxHeaderBytes int
	// MaxResponseHeaderBytes limits the header of one answer.
	MaxResponseHeaderBytes int
	MaxBodyBytes           int64
	MaxConnections         int
}

// ReadWorker reads a worker's settings. The error is service.Violations.
func ReadWorker(getenv func(string) string) (Worker, error) {
	r := &reader{getenv: getenv}
	w := Worker{
		Listen:         r.listen(),
		Number:         r.number(service.EnvWorker, 0, 0, 1<<20),
		Service:        r.text(service.EnvName, service.NewSpec().Name),
		AdminSocket:    r.getenv(service.EnvAdmin),
		HealthPath:     r.path(service.EnvHealthPath, service.NewSpec().HealthPath),
		ReadyPath:      r.path(service.EnvReadyPath, service.NewSpec().ReadyPath),
		LogRequests:    r.oneOf(EnvLogRequests, "errors", "all", "none"),
		TrustedProxies: r.networks(service.EnvTrustedProxies),
		TrustedHeaders: r.headers(service.EnvTrustedHeaders, service.MachineClaims),
		MetricsOnPort:  r.oneOf(service.EnvMetrics, "direct", "admin") == "direct",
		MetricsPort:    r.number(service.EnvMetricsPort, 0, 0, 65535),
		CountsKey:      r.getenv(service.EnvCountsKey),
		Maintenance:    r.getenv(service.EnvMaintenance),
		HTTP: HTTP{
			ReadHeaderTimeout:      r.duration(EnvReadHeaderTimeout, 10*time.Second, time.Millisecond),
			ReadTimeout:            r.duration(EnvReadTimeout, service.BodySilence, time.Millisecond),
			WriteTimeout:           r.duration(EnvWriteTimeout, service.AnswerSilence, time.Millisecond),
			IdleTimeout:            r.duration(EnvIdleTimeout, 2*time.Minute, time.Millisecond),
			MaxHeaderBytes:         r.number(service.EnvMaxHeader, service.NewLimits().HeaderBytes(), 1<<10, 16<<20),
			MaxResponseHeaderBytes: r.number(service.EnvMaxResponseHeader, service.NewLimits().ResponseHeaderBytes(), 1<<10, 16<<20),
			MaxBodyBytes:           int64(r.number(service.EnvMaxBody, int(service.NewLimits().BodyBytes()), 0, 1<<40)),
			MaxConnections:         r.number(service.EnvMaxConnections, service.NewLimits().Connections, 1, 10_000_000),
		},
	}
	if w.HealthPath == w.ReadyPath {
		r.bad.Add(service.EnvReadyPath, "is the same as %s (%q): a draining worker is healthy but not ready, so they must differ", service.EnvHealthPath, w.ReadyPath)
	}
	if err := w.LogLevel.UnmarshalText([]byte(r.text(EnvLogLevel, "info"))); err != nil {
		r.bad.Add(EnvLogLevel, "%q is not one of debug, info, warn, error", r.getenv(EnvLogLevel))
	}
	w.Shared = r.shared(w.HTTP.MaxConnections)
	w.Telemetry = r.telemetry()
	w.Lifecycle = r.lifecycle()
	return w, r.bad.Err()
}

func (r *reader) lifecycle() service.Lifecycle {
	l, err := service.LifecycleFrom(r.getenv)
	var bad service.Violations
	if errors.As(err, &bad) {
		r.bad = append(r.bad, bad...)
	}
	return l
}

// listen reads LISTEN. If it is not set, it reads HOST and PORT.
func (r *reader) listen() listen.Address {
	a := listen.Address{Network: listen.TCP, Host: r.getenv(service.EnvHost)}
	if s := r.getenv(service.EnvListen); s != "" {
		var err error
		if a, err = listen.Parse(s); err != nil {
			r.bad.Add(service.EnvListen, "%v", err)
			return a
		}
	} else {
		a.Port = r.number(service.EnvPort, service.NewSpec().Port, 0, 65535)
	}
	mode, group := r.mode(EnvSocketMode), r.getenv(EnvSocketGroup)
	if a.Network == listen.Unix {
		a.Mode, a.Group = mode, group
		return a
	}
	for _, name := range []string{EnvSocketMode, EnvSocketGroup} {
		if r.getenv(name) != "" {
			r.bad.Add(name, "is set, but the worker listens on %s, which is no Unix socket; see %s", a, service.EnvListen)
		}
	}
	return a
}

// mode reads a file's mode in octal; 0 is the default.
func (r *reader) mode(name string) fs.FileMode {
	s := r.getenv(name)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseUint(s, 8, 32)
	if err != nil || n == 0 || n > 0o777 {
		r.bad.Add(name, "%q is not a mode in octal from 0001 to 0777; for example \"0660\"", s)
		return 0
	}
	return fs.FileMode(n)
}
