package rooms

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
)

// Policy is the treatment of a client that reads too slowly.
type Policy string

const (
	// CloseSlow closes the client with 1013 (try again later), so that the
	// client knows that it has missed messages. This is the default.
	CloseSlow Policy = "close"
	// DropSlow drops the message for that client and keeps the client.
	DropSlow Policy = "drop"
)

// Options are the limits and dependencies of a hub. The zero value is not usable.
// The defaults are in package config.
type Options struct {
	// PingInterval must be shorter than the idle timeout of every proxy.
	PingInterval time.Duration
	// MaxMessageBytes is the size of the longest message from a client. A
	// longer one closes the connection with 1009.
	MaxMessageBytes int64
	// Rate and Burst limit a client's messages, per second and at once. More
	// messages close the connection with 1008.
	Rate, Burst int
	// Queue and QueueBytes limit the messages that wait for one client, by
	// number and by total size.
	Queue, QueueBytes int
	// QueuesBytes limits the bytes that wait for all clients together. A
	// message that waits for several clients counts once. At the limit, Slow is
	// applied to the client with the most waiting bytes. At most a quarter of
	// QueuesBytes is read from all clients at a time.
	QueuesBytes int
	// Slow is the policy for a full queue.
	Slow Policy
	// MaxClients is the largest number of WebSockets of this worker. Further
	// ones get 503.
	MaxClients int
	// Origins are further hosts whose pages may connect from a browser, besides
	// the service's own ("example.org", "*.example.org").
	Origins []string
	// Prefix is the prefix of every Redis channel's name.
	Prefix string

	// Redis carries messages between workers. It is nil for a single worker.
	Redis *redis.Client
	// Identify returns the person behind a request. A nil function or "" means
	// anonymous.
	Identify func(*http.Request) string
	Metrics  prometheus.Registerer
	Log      *slog.Logger
}
