// Package redisclient connects to Redis in the way that every worker needs:
// never waiting for it at start, failing fast while it is down, and connecting
// again by itself.
package redisclient

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// limit bounds one step (connecting, writing, reading): a request that waits
// longer for Redis is better told that it is down.
const limit = time.Second

// Parse reads a redis:// or rediss:// URL. The error never repeats the URL,
// which may carry a password.
func Parse(url string) (*redis.Options, error) {
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("is not redis://[user:password@]host:port/db or rediss://… (it is not repeated here, since it may hold a password)")
	}
	return o, nil
}

// Open returns a client that connects when it is first used.
func Open(o *redis.Options, log *slog.Logger) *redis.Client {
	redis.SetLogger(quietLogger{log})
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = limit, limit, limit
	o.ContextTimeoutEnabled = true
	o.MaxRetries = 1
	o.DialerRetries = 1
	// Debian's Redis knows neither of these, and answers with errors.
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o)
}

// quietLogger keeps what go-redis reports about each failed attempt out of the
// log unless someone looks for it; whoever uses the client reports the state.
type quietLogger struct{ log *slog.Logger }

// Printf is for go-redis.
func (q quietLogger) Printf(ctx context.Context, format string, args ...any) {
	if q.log.Enabled(ctx, slog.LevelDebug) {
		q.log.DebugContext(ctx, "redis", slog.String("detail", fmt.Sprintf(format, args...)))
	}
}
