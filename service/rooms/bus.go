package rooms

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"escala/service/outage"
)

const (
	// quiet is the time without a message after which the worker pings Redis.
	// Twice that time without an answer means that the connection is lost.
	quiet = 3 * time.Second
	// firstPause and lastPause limit the pause before a new connection.
	firstPause = 100 * time.Millisecond
	lastPause  = 5 * time.Second
	// outbox is the largest number of messages that wait for Redis. outboxBytes
	// is their largest total size.
	outbox      = 4096
	outboxBytes = 8 << 20
	// batch is the largest number of messages in one round trip to Redis.
	batch = 128
)

// bus carries messages between workers over Redis pub/sub. It never delays a
// client: messages that Redis does not accept in time are counted, and other
// workers do not get them.
type bus struct {
	redis  *redis.Client
	prefix string
	hub    *Hub
	log    *slog.Logger
	up     atomic.Bool
	outage *outage.Outage
	out    chan outgoing
	// held counts the bytes that wait for Redis.
	held budget

	mu     sync.Mutex
	wanted map[string]struct{}
	// dirty wakes the goroutine that makes Redis' subscriptions match wanted.
	dirty chan struct{}
}

type outgoing struct {
	room string
	envelope
}

func newBus(r *redis.Client, prefix string, h *Hub, log *slog.Logger) *bus {
	return &bus{
		redis: r, prefix: prefix, hub: h, log: log,
		held:   budget{limit: outboxBytes},
		outage: outage.New("Redis"),
		out:    make(chan outgoing, outbox),
		wanted: make(map[string]struct{}),
		dirty:  make(chan struct{}, 1),
	}
}

// follow and unfollow set the rooms in which this worker has clients.
func (b *bus) follow(room string) { b.setWanted(room, true) }

func (b *bus) unfollow(room string) { b.setWanted(room, false) }

func (b *bus) setWanted(room string, wanted bool) {
	b.mu.Lock()
	if wanted {
		b.wanted[room] = struct{}{}
	} else {
		delete(b.wanted, room)
	}
	b.mu.Unlock()
	select {
	case b.dirty <- struct{}{}:
	default: // a wake-up is already pending
	}
}

// publish queues a message for the other workers.
func (b *bus) publish(room string, e envelope) {
	e.Origin = b.hub.origin
	if b.up.Load() && b.held.reserve(len(e.Payload)) {
		select {
		case b.out <- outgoing{room, e}:
			return
		default:
			b.held.release(len(e.Payload))
		}
	}
	if e.Kind == kindMessage {
		b.hub.counts.unpublished.Inc()
	}
}

// run works until ctx ends.
func (b *bus) run(ctx context.Context) error {
	// The worker subscribes to a channel of its own. The channel keeps the
	// connection in use even without rooms, and the confirmation of its
	// subscription shows that the connection works.
	ps := b.redis.Subscribe(ctx)
	defer ps.Close()
	stop := context.AfterFunc(ctx, func() { _ = ps.Close() })
	defer stop()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { b.receive(ctx, ps); return nil })
	group.Go(func() error { b.subscribe(ctx, ps); return nil })
	group.Go(func() error { b.send(ctx); return nil })
	return group.Wait()
}

// receive delivers the messages of other workers, and reconnects when the
// connection is lost.
func (b *bus) receive(ctx context.Context, ps *redis.PubSub) {
	pause := firstPause
	pinged, connected := false, false
	for ctx.Err() == nil {
		var err error
		if !connected {
			err = ps.Subscribe(ctx, b.prefix) // go-redis also subscribes to the earlier rooms again
		}
		var got any
		if err == nil {
			got, err = ps.ReceiveTimeout(ctx, quiet)
		}
		if err == nil {
			pinged = false
			if !connected {
				connected, pause = true, firstPause
				b.connected(ctx)
			}
			b.handle(ctx, got)
			continue
		}
		if isTimeout(err) && connected && !pinged && ps.Ping(ctx) == nil {
			pinged = true
			continue
		}
		if ctx.Err() != nil {
			return
		}
		connected, pinged = false, false
		b.lost(ctx, err)
		sleepUntil(ctx, time.Now().Add(pause/2+rand.N(pause)))
		pause = min(2*pause, lastPause)
	}
}

func isTimeout(err error) bool {
	t, ok := err.(interface{ Timeout() bool })
	return ok && t.Timeout()
}

// connected records that messages of other workers arrive.
func (b *bus) connected(ctx context.Context) {
	b.outage.End()
	if !b.up.Swap(true) {
		b.log.InfoContext(ctx, "rooms are shared with other workers")
	}
}

// lost records that messages of other workers do not arrive, from the start or
// from now on. The log gets one line per outage, with the reason.
func (b *bus) lost(ctx context.Context, err error) {
	if b.outage.Begin(err) {
		b.log.WarnContext(ctx, "Redis does not answer; rooms are local to this worker", slog.Any("error", err))
	}
	if b.up.Swap(false) {
		b.hub.forgetRemote()
	}
}

func (b *bus) handle(ctx context.Context, got any) {
	switch m := got.(type) {
	case *redis.Subscription:
		if room, ok := strings.CutPrefix(m.Channel, b.prefix); ok && room != "" && m.Kind == "subscribe" {
			b.hub.followed(room)
		}
	case *redis.Message:
		e, err := parseEnvelope(m.Payload)
		if err != nil {
			b.log.WarnContext(ctx, "ignored", slog.Any("error", err))
			return
		}
		b.hub.receive(strings.TrimPrefix(m.Channel, b.prefix), e) //nolint:contextcheck // a message is written in its client's own time
	}
}

// subscribe makes Redis' subscriptions match the wanted rooms. It ignores errors,
// because go-redis subscribes again when it reconnects.
func (b *bus) subscribe(ctx context.Context, ps *redis.PubSub) {
	subscribed := map[string]struct{}{}
	for {
		select {
		case <-ctx.Done():
			return
		case <-b.dirty:
		}
		var add, drop []string
		b.mu.Lock()
		for room := range b.wanted {
			if _, ok := subscribed[room]; !ok {
				add = append(add, b.prefix+room)
				subscribed[room] = struct{}{}
			}
		}
		for room := range subscribed {
			if _, ok := b.wanted[room]; !ok {
				drop = append(drop, b.prefix+room)
				delete(subscribed, room)
			}
		}
		b.mu.Unlock()
		if len(add) > 0 {
			_ = ps.Subscribe(ctx, add...)
		}
		if len(drop) > 0 {
			_ = ps.Unsubscribe(ctx, drop...)
		}
	}
}

// send publishes queued messages, several in one round trip.
func (b *bus) send(ctx context.Context) {
	for {
		var next outgoing
		select {
		case <-ctx.Done():
			return
		case next = <-b.out:
		}
		pipe := b.redis.Pipeline()
		messages, bytes := 0, 0
		for more := true; more; {
			pipe.Publish(ctx, b.prefix+next.room, encode(next.envelope))
			bytes += len(next.Payload)
			if next.Kind == kindMessage {
				messages++
			}
			if pipe.Len() >= batch {
				break
			}
			select {
			case next = <-b.out:
			default:
				more = false
			}
		}
		if _, err := pipe.Exec(ctx); err != nil && ctx.Err() == nil {
			b.hub.counts.unpublished.Add(float64(messages))
			b.log.DebugContext(ctx, "publishing", slog.Any("error", err))
		}
		b.held.release(bytes)
	}
}
