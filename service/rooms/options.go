package rooms

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Policy is the treatment of a client that does not read fast enough.
type Policy string

const (
	// CloseSlow closes the client with 1013 (try again later), so that it knows
	// that it missed something. This is the default.
	CloseSlow Policy = "close"
	// DropSlow drops the message for that client and goes on.
	DropSlow Policy = "drop"
)

// Options bound what clients may do. The zero value is not usable; package
// config has the defaults.
type Options struct {
	// PingInterval must be shorter than the idle timeout of every proxy.
	PingInterval time.Duration
	// MaxMessageBytes bounds one message from a client; a longer one closes
	// the connection with 1009.
	MaxMessageBytes int64
	// Rate and Burst bound a client's messages (per second, and at once); more
	// close the connection with 1008.
	Rate, Burst int
	// Queue and QueueBytes are how many messages, and of how many bytes in all,
	// may wait for one client.
	Queue, QueueBytes int
	// QueuesBytes is how many bytes may wait for all clients together. A message
	// that waits for several counts once. When there is no room, the client for
	// which most waits makes some. A quarter as much may be read from all
	// clients at a time.
	QueuesBytes int
	// Slow is the policy when the queue is full.
	Slow Policy
	// MaxClients bounds the WebSockets of this worker; more get 503.
	MaxClients int
	// Origins are the hosts, beside the service's own, from whose pages a
	// browser may connect ("example.org", "*.example.org").
	Origins []string
	// Prefix goes before every Redis channel's name.
	Prefix string

	// Redis carries messages between workers; nil when there is one worker.
	Redis *redis.Client
	// Identify names the person behind a request; nil or "" is anonymous.
	Identify func(*http.Request) string
	Metrics  prometheus.Registerer
	Log      *slog.Logger
}
