package service

import "time"

// WebSocket describes the service's long-lived connections.
type WebSocket struct {
	// Rooms reports that the service sends messages from one connection to
	// others. Several workers then need Redis to reach each other's clients.
	// Default false.
	Rooms bool `config:"rooms"`
	// PingInterval is the time between two pings of a WebSocket. Pings keep every
	// proxy between client and worker from closing a quiet connection. It must be
	// below ProxyIdle. Default 25 s.
	PingInterval time.Duration `config:"pingInterval"`
	// ProxyIdle is the longest silence that a proxy allows on a connection:
	// Nginx's proxy_read_timeout, an ALB's idle timeout. Default 75 s.
	ProxyIdle time.Duration `config:"proxyIdle"`
}

// NewWebSocket returns the defaults.
func NewWebSocket() WebSocket {
	return WebSocket{PingInterval: 25 * time.Second, ProxyIdle: 75 * time.Second}
}
