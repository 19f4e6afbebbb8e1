package app

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/redis/go-redis/v9"
)

// counter counts in Redis. All workers share the count, and it outlives each of
// them.
type counter struct {
	redis *redis.Client
	key   string
}

// counterLimit is the time limit of one call to Redis.
const counterLimit = 2 * time.Second

func (c counter) get(w http.ResponseWriter, r *http.Request) {
	c.answer(w, r, func(ctx context.Context) (int64, error) {
		n, err := c.redis.Get(ctx, c.key).Int64()
		if errors.Is(err, redis.Nil) {
			return 0, nil
		}
		return n, err
	})
}

func (c counter) increment(w http.ResponseWriter, r *http.Request) {
	c.answer(w, r, func(ctx context.Context) (int64, error) { return c.redis.Incr(ctx, c.key).Result() })
}

func (c counter) answer(w http.ResponseWriter, r *http.Request, ask func(context.Context) (int64, error)) {
	if c.redis == nil {
		http.Error(w, "the counter needs Redis; set REDIS_URL", http.StatusNotImplemented)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), counterLimit)
	defer cancel()
	n, err := ask(ctx)
	if err != nil {
		slog.WarnContext(ctx, "counting in Redis", slog.Any("error", err))
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Redis does not answer; try again", http.StatusServiceUnavailable)
		return
	}
	writeJSON(w, http.StatusOK, map[string]int64{"count": n})
}
