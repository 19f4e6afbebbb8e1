package config

import (
	"time"

	"github.com/redis/go-redis/v9"

	"escala/service"
	"escala/service/redisclient"
	"escala/service/rooms"
	"escala/service/session"
)

// What workers share beyond one process: Redis, rooms, sessions.
const (
	// EnvRedisPrefix goes before every key and channel, so that services can
	// share a Redis. Default "escala:".
	EnvRedisPrefix = "REDIS_PREFIX"
	// EnvSessionKeys are the keys for sessions, "id:base64,…"; the first one
	// signs, all are accepted. A secret. Without it there are no sessions.
	EnvSessionKeys = "SESSION_KEYS"
	// EnvSessionTTL is how long a session lasts. Default 15 min.
	EnvSessionTTL = "SESSION_TTL"
	// EnvOrigins are the hosts, beside the service's own, whose pages may open
	// WebSockets: "app.example.org,*.example.com".
	EnvOrigins = "WS_ORIGINS"
	// EnvMaxMessage is the longest message from a client in bytes. Default
	// 32 KiB.
	EnvMaxMessage = "WS_MAX_MESSAGE_BYTES"
	// EnvRate and EnvBurst are how many messages a client may send per second
	// and at once. Default 20 and 40.
	EnvRate  = "WS_RATE"
	EnvBurst = "WS_BURST"
	// EnvQueue is how many messages may wait for a client. Default 64.
	EnvQueue = "WS_QUEUE"
	// EnvSlow is what happens to a client whose queue is full: "close" or
	// "drop". Default close.
	EnvSlow = "WS_SLOW_CLIENT"
	// EnvMaxClients is how many WebSockets a worker takes. Default 20000.
	EnvMaxClients = "WS_MAX_CLIENTS"
)

// Shared is what a worker shares with others, or lets clients share.
type Shared struct {
	// Redis is nil when there is none.
	Redis *redis.Options
	// Prefix goes before every key and channel.
	Prefix string
	// Rooms is nil when rooms are off.
	Rooms *rooms.Options
	// Keys is empty when there are no sessions.
	Keys       session.Keys
	SessionTTL time.Duration
}

// proxyIdle is the shortest idle timeout that a usual proxy has (an ALB's 60 s);
// pings have to come sooner.
const proxyIdle = 60 * time.Second

func (r *reader) shared() Shared {
	s := Shared{
		Prefix:     r.text(EnvRedisPrefix, "escala:"),
		SessionTTL: r.duration(EnvSessionTTL, 15*time.Minute, time.Second),
	}
	if url := r.getenv(service.EnvRedis); url != "" {
		o, err := redisclient.Parse(url)
		if err != nil {
			r.bad.Add(service.EnvRedis, "%v", err)
		}
		s.Redis = o
	}
	if keys := r.getenv(EnvSessionKeys); keys != "" {
		k, err := session.ParseKeys(keys)
		if err != nil {
			r.bad.Add(EnvSessionKeys, "%v", err)
		}
		s.Keys = k
	}
	on := r.boolean(service.EnvRooms, false)
	ping := r.duration(service.EnvPing, service.NewWebSocket().PingInterval, 10*time.Millisecond)
	if ping >= proxyIdle {
		r.bad.Add(service.EnvPing, "%s is not below %s: proxies would close quiet connections; for example \"25s\"", ping, proxyIdle)
	}
	o := rooms.Options{
		PingInterval:    ping,
		MaxMessageBytes: int64(r.number(EnvMaxMessage, 32<<10, 1, 16<<20)),
		Rate:            r.number(EnvRate, 20, 1, 1_000_000),
		Burst:           r.number(EnvBurst, 40, 1, 1_000_000),
		Queue:           r.number(EnvQueue, 64, 1, 1_000_000),
		Slow:            rooms.Policy(r.oneOf(EnvSlow, string(rooms.CloseSlow), string(rooms.DropSlow))),
		MaxClients:      r.number(EnvMaxClients, 20_000, 1, 10_000_000),
		Origins:         r.origins(),
		Prefix:          s.Prefix,
	}
	workers := r.number(service.EnvWorkers, 1, 1, 1<<20)
	if on && workers > 1 && r.getenv(service.EnvRedis) == "" {
		r.bad.Add(service.EnvRedis, "is not set, but rooms are on (%s=true) with %d workers (%s): clients on different workers would not hear each other; set it to redis://host:6379/0, or %s=false",
			service.EnvRooms, workers, service.EnvWorkers, service.EnvRooms)
	}
	if on {
		s.Rooms = &o
	}
	return s
}
