package config

import (
	"time"

	"escala/service"
	"escala/service/session/keys"
)

// Environment variables of Redis, rooms and sessions, which workers share across
// processes.
const (
	// EnvSessionKeys holds the keys for sessions, "id:base64,…". The first one
	// signs, and all are accepted. It is a secret. Without it there are no
	// sessions. keys.Keys describes how to rotate keys.
	EnvSessionKeys = "SESSION_KEYS"
	// EnvSessionTTL is the lifetime of a session. Default 15 min.
	EnvSessionTTL = "SESSION_TTL"
	// EnvOrigins lists further hosts whose pages may open WebSockets, besides the
	// service's own: "app.example.org,*.example.com".
	EnvOrigins = "WS_ORIGINS"
	// EnvMaxMessage is the size of the longest message from a client, in bytes.
	// Default 32 KiB.
	EnvMaxMessage = "WS_MAX_MESSAGE_BYTES"
	// EnvRate is the number of messages that a client may send per second, and
	// EnvBurst the number at once. Default 20 and 40.
	EnvRate  = "WS_RATE"
	EnvBurst = "WS_BURST"
	// EnvQueue and EnvQueueBytes limit the messages that wait for a client, by
	// number and by total size. Default 64 and 256 KiB.
	EnvQueue      = "WS_QUEUE"
	EnvQueueBytes = "WS_QUEUE_BYTES"
	// EnvQueuesBytes limits the bytes that wait for all clients of a worker
	// together. Default 32 MiB.
	EnvQueuesBytes = "WS_QUEUES_BYTES"
	// EnvSlow is the treatment of a client whose queue is full: "close" or
	// "drop". Default close.
	EnvSlow = "WS_SLOW_CLIENT"
	// EnvMaxClients is the largest number of WebSockets of a worker. Default
	// nine tenths of HTTP_MAX_CONNECTIONS, so that some connections stay free
	// for plain requests.
	EnvMaxClients = "WS_MAX_CLIENTS"
)

// Shared are the settings of Redis, rooms and sessions.
type Shared struct {
	// RedisURL is "" without Redis.
	RedisURL string
	// Prefix is the prefix of every key and channel.
	Prefix string
	// Rooms is nil if rooms are off.
	Rooms *Rooms
	// Keys is empty if there are no sessions.
	Keys       keys.Keys
	SessionTTL time.Duration
}

// Rooms holds the limits of WebSocket rooms; see rooms.Options.
type Rooms struct {
	PingInterval time.Duration
	// MaxMessageBytes limits one message from a client.
	MaxMessageBytes int64
	// Rate and Burst limit a client's messages, per second and at once.
	Rate, Burst int
	// Queue and QueueBytes limit the messages that wait for one client.
	// QueuesBytes limits the bytes that wait for all clients.
	Queue, QueueBytes, QueuesBytes int
	// DropSlow reports that a client with a full queue misses messages.
	// Otherwise the client is closed.
	DropSlow   bool
	MaxClients int
	Origins    []string
}

func (r *reader) shared(connections int) Shared {
	s := Shared{
		RedisURL:   r.getenv(service.EnvRedis),
		Prefix:     r.text(service.EnvRedisPrefix, "escala:"),
		SessionTTL: r.duration(EnvSessionTTL, 15*time.Minute, time.Second),
	}
	if bad := service.CheckRedisPrefix(s.Prefix); bad != "" {
		r.bad.Add(service.EnvRedisPrefix, "%q %s", s.Prefix, bad)
	}
	if s.RedisURL != "" {
		if bad := service.CheckRedisURL(s.RedisURL); bad != "" {
			r.bad.Add(service.EnvRedis, "%s", bad)
		}
	}
	if text := r.getenv(EnvSessionKeys); text != "" {
		k, err := keys.Parse(text)
		if err != nil {
			r.bad.Add(EnvSessionKeys, "%v", err)
		}
		s.Keys = k
	}
	on := r.boolean(service.EnvRooms, false)
	rooms := r.rooms(connections)
	workers := r.number(service.EnvWorkers, 1, 1, 1<<20)
	if on && workers > 1 && s.RedisURL == "" {
		r.bad.Add(service.EnvRedis, "is not set, but rooms are on (%s=true) with %d workers (%s): clients on different workers would not hear each other; set it to redis://host:6379/0, or %s=false",
			service.EnvRooms, workers, service.EnvWorkers, service.EnvRooms)
	}
	if on {
		s.Rooms = &rooms
	}
	return s
}

func (r *reader) rooms(connections int) Rooms {
	defaults := service.NewWebSocket()
	idle := r.duration(service.EnvProxyIdle, defaults.ProxyIdle, time.Second)
	ping := r.duration(service.EnvPing, defaults.PingInterval, 10*time.Millisecond)
	if ping >= idle {
		r.bad.Add(service.EnvPing, "%s is not below %s (%s): proxies would close quiet connections; for example %q", ping, service.EnvProxyIdle, idle, (idle / 3).String())
	}
	rooms := Rooms{
		PingInterval:    ping,
		MaxMessageBytes: int64(r.number(EnvMaxMessage, 32<<10, 1, 16<<20)),
		Rate:            r.number(EnvRate, 20, 1, 1_000_000),
		Burst:           r.number(EnvBurst, 40, 1, 1_000_000),
		Queue:           r.number(EnvQueue, 64, 1, 1_000_000),
		QueueBytes:      r.number(EnvQueueBytes, 256<<10, 1<<10, 1<<30),
		QueuesBytes:     r.number(EnvQueuesBytes, 32<<20, 1<<10, 1<<40),
		DropSlow:        r.oneOf(EnvSlow, "close", "drop") == "drop",
		MaxClients:      r.number(EnvMaxClients, max(connections-connections/10, 1), 1, 10_000_000),
		Origins:         r.origins(),
	}
	if rooms.MaxClients > connections {
		r.bad.Add(EnvMaxClients, "%d is above %s (%d), which comes first", rooms.MaxClients, service.EnvMaxConnections, connections)
	}
	return rooms
}
