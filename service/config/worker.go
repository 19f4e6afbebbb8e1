package config

import (
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"escala/service"
	"escala/service/listen"
)

// The environment variables that only the binary knows: a machine or a
// manifest may set them through Spec.Env, no renderer has to.
const (
	// EnvLogLevel is debug, info, warn or error. Default info.
	EnvLogLevel = "LOG_LEVEL"
	// EnvLogRequests is which requests are logged: "errors" (answered with
	// 5xx), "all" or "none". Default errors: a proxy in front has an access
	// log, and a line per request costs more than the request.
	EnvLogRequests = "LOG_REQUESTS"
	// EnvTrustedProxies are the addresses and networks, beside loopback and
	// Unix sockets, whose X-Forwarded-* headers are believed.
	EnvTrustedProxies = "TRUSTED_PROXIES"
	// EnvMaxBody is the largest request body in bytes. Default 10 MiB.
	EnvMaxBody = "HTTP_MAX_BODY_BYTES"
	// EnvMaxHeader is the largest request header in bytes. Default 64 KiB.
	EnvMaxHeader = "HTTP_MAX_HEADER_BYTES"
	// EnvReadHeaderTimeout, EnvReadTimeout, EnvWriteTimeout and EnvIdleTimeout
	// are those of net/http. The idle timeout has to be longer than that of
	// any proxy in front, so that the proxy is the side that closes.
	EnvReadHeaderTimeout = "HTTP_READ_HEADER_TIMEOUT"
	EnvReadTimeout       = "HTTP_READ_TIMEOUT"
	EnvWriteTimeout      = "HTTP_WRITE_TIMEOUT"
	EnvIdleTimeout       = "HTTP_IDLE_TIMEOUT"
	// EnvMetrics says where /metrics is served: "direct" also on the public
	// port, but only for who connects without a proxy, "admin" on the admin
	// socket alone. Default direct.
	EnvMetrics = "METRICS"
	// EnvStartTimeout is Lifecycle.Start: how long the service's own start may
	// take until the worker gives up. Default 15 s.
	EnvStartTimeout = "START_TIMEOUT"
)

// Worker is everything that one worker reads from its environment.
type Worker struct {
	// Listen is where requests come in.
	Listen listen.Address
	// Number is the worker's number on its machine, from 0.
	Number int
	// AdminSocket is the path of the worker's own Unix socket; empty for none.
	AdminSocket string
	// HealthPath and ReadyPath are answered on every listener.
	HealthPath, ReadyPath string
	// Lifecycle holds the steps of the drain.
	Lifecycle service.Lifecycle
	// HTTP are the limits of the server.
	HTTP HTTP
	// LogLevel is the least severe level that is logged.
	LogLevel slog.Level
	// LogRequests is "errors", "all" or "none".
	LogRequests string
	// TrustedProxies may set X-Forwarded-*, beside loopback.
	TrustedProxies []netip.Prefix
	// MetricsOnPort says whether the public port answers /metrics.
	MetricsOnPort bool
	// Shared is what it shares with other workers.
	Shared Shared
}

// HTTP are limits against slow, large and endless requests.
type HTTP struct {
	ReadHeaderTimeout, ReadTimeout, WriteTimeout, IdleTimeout time.Duration
	// MaxHeaderBytes and MaxBodyBytes bound one request.
	MaxHeaderBytes int
	MaxBodyBytes   int64
}

// ReadWorker reads a worker's settings. The error is service.Violations.
func ReadWorker(getenv func(string) string) (Worker, error) {
	r := &reader{getenv: getenv}
	w := Worker{
		Listen:         r.listen(),
		Number:         r.number(service.EnvWorker, 0, 0, 1<<20),
		AdminSocket:    r.getenv(service.EnvAdmin),
		HealthPath:     r.path(service.EnvHealthPath, service.NewSpec().HealthPath),
		ReadyPath:      r.path(service.EnvReadyPath, service.NewSpec().ReadyPath),
		LogRequests:    r.oneOf(EnvLogRequests, "errors", "all", "none"),
		TrustedProxies: r.networks(EnvTrustedProxies),
		MetricsOnPort:  r.oneOf(EnvMetrics, "direct", "admin") == "direct",
		HTTP: HTTP{
			ReadHeaderTimeout: r.duration(EnvReadHeaderTimeout, 10*time.Second, time.Millisecond),
			ReadTimeout:       r.duration(EnvReadTimeout, time.Minute, time.Millisecond),
			WriteTimeout:      r.duration(EnvWriteTimeout, 2*time.Minute, time.Millisecond),
			IdleTimeout:       r.duration(EnvIdleTimeout, 2*time.Minute, time.Millisecond),
			MaxHeaderBytes:    r.number(EnvMaxHeader, 64<<10, 1<<10, 16<<20),
			MaxBodyBytes:      int64(r.number(EnvMaxBody, 10<<20, 0, 1<<40)),
		},
	}
	if w.HealthPath == w.ReadyPath {
		r.bad.Add(service.EnvReadyPath, "is the same as %s (%q): a draining worker is healthy but not ready, so they must differ", service.EnvHealthPath, w.ReadyPath)
	}
	if err := w.LogLevel.UnmarshalText([]byte(r.text(EnvLogLevel, "info"))); err != nil {
		r.bad.Add(EnvLogLevel, "%q is none of debug, info, warn, error", r.getenv(EnvLogLevel))
	}
	w.Shared = r.shared()
	w.Lifecycle = r.lifecycle()
	w.Lifecycle.Start = r.duration(EnvStartTimeout, w.Lifecycle.Start, 0)
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

// listen reads LISTEN, or else HOST and PORT.
func (r *reader) listen() listen.Address {
	if s := r.getenv(service.EnvListen); s != "" {
		a, err := listen.Parse(s)
		if err != nil {
			r.bad.Add(service.EnvListen, "%v", err)
		}
		return a
	}
	return listen.Address{
		Network: listen.TCP,
		Host:    r.getenv(service.EnvHost),
		Port:    r.number(service.EnvPort, service.NewSpec().Port, 0, 65535),
	}
}
