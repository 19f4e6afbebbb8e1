package operate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"escala/cloudinit/agent/store"
	"escala/service"
	"escala/service/event"
	"escala/service/machine"
)

// Machines are the machines of a stack, and how the operator reaches them: by HTTP
// at their address, and in the release store.
type Machines struct {
	Stack *Stack
	// At are the machines.
	At []At
	// Objects is the part of the release store that machines write to. NoObjects is
	// the reason why it cannot be read, if it is nil.
	Objects   Objects
	NoObjects error
	// Client asks the service's public address. Default: one that verifies
	// certificates with this computer's authorities.
	Client *http.Client
	// Now is this computer's clock. Default time.Now.
	Now func() time.Time
}

// At is one machine.
type At struct {
	// ID is the cloud's id.
	ID string
	// URLs are addresses that may lead to it, without a slash at their ends. Once a
	// machine has the stable address, its cloud may take the machine's own one away
	// and give it to another customer.
	URLs []string
	// Replaced means that an update began to replace it.
	Replaced bool
}

// URLs returns the URL of an IP address, or none for "".
func URLs(address string) []string {
	if address == "" {
		return nil
	}
	return []string{"http://" + address}
}

// Limits of one query, each.
const (
	askTimeout  = 3 * time.Second
	answerLimit = 1 << 20
	// maxInstances is more than the workers of any machine.
	maxInstances = 200
	// maxStatusAge is the age at which the status of a machine that answers by HTTP is
	// a problem. A machine checks itself at least every minute, unless it waits for
	// a worker.
	maxStatusAge = 2 * time.Minute
	// diskLow is the share of a disk that should be free.
	diskLow = 0.05
	// certificateSoon is the time before the end of a certificate in which a failed
	// renewal counts as a problem.
	certificateSoon = 7 * 24 * time.Hour
)

// Status queries all machines at once and returns the status of the stack.
func (m Machines) Status(ctx context.Context) Status {
	now := time.Now
	if m.Now != nil {
		now = m.Now
	}
	s := Begin(m.Stack, now())
	all := make([]reported, len(m.At))
	var asking sync.WaitGroup
	for i, at := range m.At {
		asking.Go(func() { all[i] = m.ask(ctx, at) })
	}
	var public Reached
	asking.Go(func() { public = Reach(ctx, m.Stack, m.Client) })
	asking.Wait()
	if len(m.At) == 0 {
		s.Problem("the stack has no machine")
	}
	for _, one := range all {
		m.add(&s, one, now())
	}
	s.Add(public)
	s.End()
	return s
}

// readObject reads an object of a machine.
func readObject[T any](ctx context.Context, objects Objects, id, name string) (*T, error) {
	content, err := Read(ctx, objects, store.MachineKey(id, name), answerLimit)
	if err != nil {
		return nil, err
	}
	var value T
	if err := json.Unmarshal(content, &value); err != nil {
		return nil, fmt.Errorf("reading %s of machine %s: %w", name, id, err)
	}
	return &value, nil
}

// Events returns the events that the machines wrote to the store.
func (m Machines) Events(ctx context.Context, since time.Time) ([]event.Event, error) {
	if m.Objects == nil {
		return nil, m.NoObjects
	}
	var all []event.Event
	for _, at := range m.At {
		ctx, cancel := context.WithTimeout(ctx, askTimeout)
		list, err := readObject[[]machine.Event](ctx, m.Objects, at.ID, machine.EventsName)
		cancel()
		if errors.Is(err, store.ErrNotFound) {
			continue // an agent older than events, or a machine that has none yet
		}
		if err != nil {
			return all, fmt.Errorf("the events of machine %s: %w", at.ID, err)
		}
		for _, e := range *list {
			if when := time.Unix(e.Time, 0); !when.Before(since) {
				all = append(all, event.Event{
					Time: when, Kind: event.Kind(Plain(string(e.Kind))), Stack: m.Stack.Project + "/" + m.Stack.Name,
					Instance: Plain(at.ID), Release: ID(e.Release), Text: Plain(e.Text),
				})
			}
		}
	}
	return all, nil
}

// ID returns a release's id as a machine or a cluster reports it, or "" if the text
// is not an id.
func ID(id service.ReleaseID) service.ReleaseID {
	if !id.Valid() {
		return ""
	}
	return id
}

func at(seconds int64) *time.Time {
	if seconds <= 0 {
		return nil
	}
	t := time.Unix(seconds, 0).UTC()
	return &t
}
