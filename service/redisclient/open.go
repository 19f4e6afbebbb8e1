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

	"escala/service"
	"escala/service/outage"
)

// limit bounds one step (connecting, writing, reading): a request that waits
// longer for Redis is better answered with an error.
const limit = time.Second

// Parse reads a redis:// or rediss:// URL. The error never repeats the URL,
// which may carry a password.
func Parse(url string) (*redis.Options, error) {
	if bad := service.CheckRedisURL(url); bad != "" {
		return nil, errors.New(bad)
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("is not a URL that the Redis client takes (it is not repeated here, since it may hold a password)")
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

// watchPause is how often Watch asks.
const watchPause = 3 * time.Second

// Watch asks Redis whether it is there until ctx ends, and notes in o since when
// it is not. The log gets one line for each outage, with the reason: an address
// or a password that never worked shows nowhere else.
func Watch(ctx context.Context, r *redis.Client, o *outage.Outage, log *slog.Logger) {
	for {
		err := r.Ping(ctx).Err()
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && o.Begin(err):
			log.WarnContext(ctx, "Redis does not answer; what needs it fails", slog.Any("error", err))
		case err == nil && o.End():
			log.InfoContext(ctx, "Redis answers again")
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(watchPause):
		}
	}
}

// quietLogger keeps what go-redis reports about each failed attempt out of the
// log above debug level; Watch and rooms report outages.
type quietLogger struct{ log *slog.Logger }

// Printf is for go-redis.
func (q quietLogger) Printf(ctx context.Context, format string, args ...any) {
	if q.log.Enabled(ctx, slog.LevelDebug) {
		q.log.DebugContext(ctx, "redis", slog.String("detail", fmt.Sprintf(format, args...)))
	}
}
