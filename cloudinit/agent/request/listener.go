package request

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"escala/cloudinit/agent/store"
)

// Objects reads the objects that the operator writes.
type Objects interface {
	// Read returns an object of at most limit bytes.
	Read(ctx context.Context, key string, limit int64) ([]byte, error)
}

// Answers writes the machine's own objects.
type Answers interface {
	Write(ctx context.Context, name string, content []byte) error
}

// Machine carries out requests.
type Machine interface {
	// Logs returns the lines of a query, oldest first, with at most limit bytes.
	Logs(ctx context.Context, q Query, limit int) (lines []Line, cursor Cursor, more bool, err error)
	// Restart asks for a restart. It does not wait. The machine carries out each ID
	// once, even if it is asked again.
	Restart(r Restarting)
	// Restarted returns the last restart that has ended, with its failure, or "".
	// The ID is "" if there was none.
	Restarted() (r Restarting, failure string)
	// Maintain applies the stack's Maintenance. It gets the same one again after the
	// agent's start.
	Maintain(m Maintenance) error
}

// Restarting is a request for a restart.
type Restarting struct {
	ID string `json:"id"`
	// At and Reply are as in Request.
	At    int64  `json:"at"`
	Reply []byte `json:"reply,omitempty"`
}

// Clock is the machine's clock.
type Clock interface {
	Now() time.Time
	Elapsed() time.Duration
	Sleep(ctx context.Context, d time.Duration) error
}

// Listener polls the release store for requests and answers them, beside the agent's
// rounds: an operator needs the logs most while a round takes long.
type Listener struct {
	// Operator is Key.Public of the stack.
	Operator string
	// MachineID is the cloud's id of this machine.
	MachineID string
	Objects   Objects
	Answers   Answers
	Machine   Machine
	Clock     Clock
	Log       *slog.Logger
	// Interval is the time between two reads of the store. A read costs money, so the
	// listener reads one of its two objects at a time.
	Interval time.Duration

	key ed25519.PublicKey
	// answered holds the requests that were answered, with the time by Clock.Elapsed
	// until which each is valid.
	answered map[string]time.Duration
	// attentive is the time until which further requests are likely.
	attentive   time.Duration
	maintenance int64 // At of the last Maintenance that was applied
	logged      string
	turn        int
	last        string // the last restart that was answered
	once        sync.Once
}

// Requests are likely for a while after one: the operator follows the logs, or
// waits for a restart. maxAnswered bounds the listener's memory.
const (
	attentiveFor  = 30 * time.Second
	maxAnswered   = 1024
	attentivePoll = 250 * time.Millisecond
)

// Run listens until ctx ends.
func (l *Listener) Run(ctx context.Context) {
	for ctx.Err() == nil {
		l.Poll(ctx)
		pause := l.Interval
		if l.Clock.Elapsed() < l.attentive {
			pause = min(pause, attentivePoll)
		}
		if l.Clock.Sleep(ctx, pause) != nil {
			return
		}
	}
}

// Poll reads the store once.
func (l *Listener) Poll(ctx context.Context) {
	l.once.Do(func() {
		l.answered = map[string]time.Duration{}
		var err error
		if l.key, err = parsePublic(l.Operator); err != nil {
			l.Log.Error("requests are not answered", "error", err)
		}
	})
	if l.key == nil {
		return
	}
	attentive := l.Clock.Elapsed() < l.attentive
	first := l.turn == 0
	if l.turn++; first || !attentive && l.turn%2 == 1 || l.turn%8 == 1 {
		l.logOnce(l.pollMaintenance(ctx))
	}
	if first || attentive || l.turn%2 == 0 {
		l.logOnce(l.pollRequest(ctx))
	}
	l.logOnce(l.answerRestart(ctx))
}

// logOnce logs an error once.
func (l *Listener) logOnce(err error) {
	if err == nil {
		return
	}
	if text := err.Error(); text != l.logged {
		l.logged = text
		l.Log.Warn("a request is not answered", "error", err)
	}
}

func (l *Listener) read(ctx context.Context, key string, limit int64) ([]byte, error) {
	object, err := l.Objects.Read(ctx, key, limit)
	// S3 denies the reading of an object that does not exist. A store that cannot be
	// reached is in the machine's status already.
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied) || errors.Is(err, store.ErrUnreachable) {
		return nil, nil
	}
	return object, err
}

func (l *Listener) pollMaintenance(ctx context.Context) error {
	object, err := l.read(ctx, MaintenanceKey, maxMaintenance)
	if err != nil || object == nil {
		return err
	}
	var m Maintenance
	if err := verify(l.key, forMaintenance, object, &m); err != nil {
		return fmt.Errorf("%s: %w", MaintenanceKey, err)
	}
	if m.At <= l.maintenance {
		return nil
	}
	if err := l.Machine.Maintain(m); err != nil {
		return fmt.Errorf("maintenance: %w", err)
	}
	l.maintenance = m.At
	return nil
}

func (l *Listener) pollRequest(ctx context.Context) error {
	object, err := l.read(ctx, CurrentKey, maxRequest)
	if err != nil || object == nil {
		return err
	}
	var r Request
	if err := verify(l.key, forRequest, object, &r); err != nil {
		return fmt.Errorf("%s: %w", CurrentKey, err)
	}
	now := l.Clock.Elapsed()
	for id, until := range l.answered {
		if until < now {
			delete(l.answered, id)
		}
	}
	if _, done := l.answered[r.ID]; done || r.Machine != l.MachineID || len(l.answered) >= maxAnswered {
		return nil
	}
	answer, ok := l.do(ctx, r)
	if !ok {
		return nil
	}
	if err := l.write(ctx, r.Kind, r.ID, r.Reply, answer); err != nil {
		return err
	}
	l.answered[r.ID] = now + Valid + 2*Skew
	return nil
}

// do carries out a request. ok is false while there is no answer yet, and for a
// request that has none.
func (l *Listener) do(ctx context.Context, r Request) (answer Answer, ok bool) {
	if err := r.fresh(l.Clock.Now()); err != nil {
		// An old request stays in the store. No operator waits for its answer any
		// more.
		if l.Clock.Now().Sub(time.UnixMilli(r.At)) > time.Hour {
			return Answer{}, false
		}
		return Answer{Error: err.Error()}, true
	}
	l.attentive = l.Clock.Elapsed() + attentiveFor
	switch r.Kind {
	case Logs:
		return l.logs(ctx, r.Logs), true
	case Restart:
		// The operator did not read the answer, or another one asked a moment later.
		// In both cases the workers are new since the request.
		if done, failure := l.Machine.Restarted(); done.At >= r.At {
			return Answer{Error: failure}, true
		}
		l.Machine.Restart(Restarting{ID: r.ID, At: r.At, Reply: r.Reply})
		return Answer{}, false
	default:
		return Answer{Error: fmt.Sprintf("this machine does not know requests for %.40q; the next update makes one that does", r.Kind)}, true
	}
}

// logsTimeout is the most time that the reading of logs takes. logsBytes is the
// size of the lines of one answer: it fits in MaxAnswer even if it does not
// compress.
const (
	logsTimeout = 10 * time.Second
	logsBytes   = 700 << 10
)

func (l *Listener) logs(ctx context.Context, q *Query) Answer {
	if q == nil {
		return Answer{Error: "the request for logs has no query"}
	}
	ctx, cancel := context.WithTimeout(ctx, logsTimeout)
	defer cancel()
	lines, cursor, more, err := l.Machine.Logs(ctx, *q, logsBytes)
	if err != nil {
		return Answer{Error: err.Error()}
	}
	return Answer{Lines: lines, Cursor: cursor, More: more}
}

// answerRestart answers a restart that has ended, once in a run of the agent.
func (l *Listener) answerRestart(ctx context.Context) error {
	r, failure := l.Machine.Restarted()
	// The agent restarts workers for reasons of its own too. No operator waits for
	// an answer then.
	if r.ID == "" || r.ID == l.last || len(r.Reply) == 0 {
		return nil
	}
	if err := l.write(ctx, Restart, r.ID, r.Reply, Answer{Error: failure}); err != nil {
		return err
	}
	l.last = r.ID
	l.answered[r.ID] = l.Clock.Elapsed() + attentiveFor/2
	return nil
}

// write writes an answer.
func (l *Listener) write(ctx context.Context, kind Kind, id string, reply []byte, a Answer) error {
	object, err := seal(id, reply, a)
	if err != nil {
		return err
	}
	if len(object) > MaxAnswer {
		if object, err = seal(id, reply, Answer{Error: fmt.Sprintf("the answer has %d bytes, and %d is the most: ask for fewer lines", len(object), MaxAnswer)}); err != nil {
			return err
		}
	}
	if err := l.Answers.Write(ctx, AnswerName(kind), object); err != nil {
		return fmt.Errorf("answering a request: %w", err)
	}
	return nil
}
