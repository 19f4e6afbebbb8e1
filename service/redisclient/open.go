// Package redisclient connects to Redis in the way that every worker needs: it
// does not wait for Redis at start, fails fast during an outage, and reconnects
// automatically.
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

// limit is the time limit of one step (connecting, writing, reading). A request
// that would wait longer for Redis should get an error.
const limit = time.Second

// Parse reads a redis:// or rediss:// URL. The error never contains the URL,
// which may include a password.
func Parse(url string) (*redis.Options, error) {
	if bad := service.CheckRedisURL(url); bad != "" {
		return nil, errors.New(bad)
	}
	o, err := redis.ParseURL(url)
	if err != nil {
		return nil, errors.New("is not a URL that the Redis client accepts (it is not repeated here, since it may hold a password)")
	}
	return o, nil
}

// Open returns a client that connects at its first use.
func Open(o *redis.Options, log *slog.Logger) *redis.Client {
	redis.SetLogger(quietLogger{log})
	o.DialTimeout, o.ReadTimeout, o.WriteTimeout = limit, limit, limit
	o.ContextTimeoutEnabled = true
	o.MaxRetries = 1
	o.DialerRetries = 1
	// Debian's Redis supports neither of these and answers with errors.
	o.DisableIdentity = true
	o.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	return redis.NewClient(o)
}

// watchPause is the time between two checks of Watch.
const watchPause = 3 * time.Second

// Watch checks Redis until ctx ends, and records outages in o. It logs one line
// per outage, with the reason. A wrong address or password is reported nowhere
// else.
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

// quietLogger logs go-redis's messages about failed attempts only at debug
// level. Watch and rooms report outages.
type quietLogger struct{ log *slog.Logger }

// Printf logs a message of go-redis.
func (q quietLogger) Printf(ctx context.Context, format string, args ...any) {
	if q.log.Enabled(ctx, slog.LevelDebug) {
		q.log.DebugContext(ctx, "redis", slog.String("detail", fmt.Sprintf(format, args...)))
	}
}
