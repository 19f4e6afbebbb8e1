// Package ask sends an operator's requests to a stack's machine through its release
// store, and waits for the answers. The machine needs no port and the operator no
// login. The operator must be able to decrypt the stack's state and to write to its
// store.
package ask

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"escala/cloudinit/agent/request"
	"escala/cloudinit/agent/store"
	"escala/infra/operate"
)

// Machine is a machine that answers requests.
type Machine struct {
	// ID is the cloud's id of the machine.
	ID string
	// Key signs the requests.
	Key request.Key
	// Requests is where the machine reads requests. Answers is where it writes
	// answers. Both may be the same.
	Requests, Answers operate.Objects
	// RestartTimeout is the time that a restart may take. Default 10 min.
	RestartTimeout time.Duration
}

// Times of waiting.
const (
	// every is the time between two reads of an answer. It grows to slowest.
	every   = 250 * time.Millisecond
	slowest = 2 * time.Second
	// answerTimeout is the time after which a request to a machine that does not answer
	// fails. A machine reads requests every 10 s, or less often while it has a
	// problem.
	answerTimeout  = 60 * time.Second
	restartTimeout = 10 * time.Minute
)

// objectLimit is more than the size of any object that is read, in bytes.
const objectLimit = request.MaxAnswer + 1<<10

// do sends a request and returns the answer.
func (m Machine) do(ctx context.Context, kind request.Kind, query *request.Query, limit time.Duration) (request.Answer, error) {
	none := request.Answer{}
	began := time.Now()
	for {
		current, err := m.current(ctx)
		if err != nil {
			return none, err
		}
		pending, err := request.New(m.ID, kind, time.Now(), m.Key.Time(current))
		if err != nil {
			return none, err
		}
		pending.Logs = query
		object, err := m.Key.Sign(pending.Request)
		if err != nil {
			return none, err
		}
		if err := m.put(ctx, request.CurrentKey, object); err != nil {
			return none, err
		}
		answer, err := m.answer(ctx, pending, object, began.Add(limit))
		if !errors.Is(err, errReplaced) {
			return answer, err
		}
	}
}

// errReplaced means that another operator made another request meanwhile.
var errReplaced = errors.New("another operator asked at the same time")

// answer waits for the answer to a request.
func (m Machine) answer(ctx context.Context, pending request.Pending, object []byte, until time.Time) (request.Answer, error) {
	none := request.Answer{}
	began, pause, checked := time.Now(), every, time.Now()
	for {
		content, err := operate.Read(ctx, m.Answers, store.MachineKey(m.ID, request.AnswerName(pending.Kind)), objectLimit)
		if err == nil {
			answer, err := pending.Open(content)
			if err == nil {
				if answer.Error != "" {
					return none, fmt.Errorf("machine %s: %s", m.ID, operate.Plain(answer.Error))
				}
				return answer, nil
			}
			if !errors.Is(err, request.ErrOther) {
				return none, err
			}
		} else if !absent(err) {
			return none, fmt.Errorf("reading the machine's answer: %w", err)
		}
		waited := time.Since(began)
		if time.Now().After(until) {
			return none, fmt.Errorf("machine %s has not answered for %s: it may be down, or older than this command. make status tells more; make up makes a machine that answers", m.ID, waited.Round(time.Second))
		}
		// Another operator may have asked at the same moment. A request for logs is
		// sent again, because the answer may be replaced too. The same restart is
		// carried out once.
		if time.Since(checked) > 5*time.Second && waited < request.Valid {
			checked = time.Now()
			current, err := m.current(ctx)
			if err != nil {
				return none, err
			}
			if string(current) != string(object) {
				if pending.Kind == request.Logs {
					// The other operator gets an answer first.
					if err := sleep(ctx, rand.N(8*every)); err != nil {
						return none, err
					}
					return none, errReplaced
				}
				if err := m.put(ctx, request.CurrentKey, object); err != nil {
					return none, err
				}
			}
		}
		if err := sleep(ctx, pause); err != nil {
			return none, err
		}
		pause = min(pause*5/4, slowest)
	}
}

// current returns the last request in the store, or nil.
func (m Machine) current(ctx context.Context) ([]byte, error) {
	content, err := operate.Read(ctx, m.Requests, request.CurrentKey, objectLimit)
	if err != nil && !absent(err) {
		return nil, fmt.Errorf("reading the last request in the release store: %w", err)
	}
	return content, nil
}

func (m Machine) put(ctx context.Context, key string, object []byte) error {
	err := m.Requests.Put(ctx, key, object)
	if errors.Is(err, store.ErrDenied) {
		return fmt.Errorf("these credentials may not write %s in the release store, which asking a machine needs (s3:PutObject): %w", key, err)
	}
	if err != nil {
		return fmt.Errorf("writing %s to the release store: %w", key, err)
	}
	return nil
}

// absent reports whether an object does not exist. S3 denies the reading of such an
// object, if the credentials may not list the bucket.
func absent(err error) bool {
	return errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDenied)
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
