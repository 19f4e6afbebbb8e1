package cloudfake

import (
	"fmt"
	"sync"

	"escala/infra/engine/offline"
)

// Account is one account at a cloud. All its providers share the existing
// resources, as the clones that deploy to one account do.
type Account struct {
	behaviours []Behaviour

	mu          sync.Mutex
	objects     map[string]offline.Event
	occurrences map[string]int
}

// newAccount returns an empty account. The caller sets its behaviours, which read
// the account.
func newAccount() *Account {
	return &Account{objects: map[string]offline.Event{}, occurrences: map[string]int{}}
}

// Behaviours returns the cloud's behaviours.
func (a *Account) Behaviours() []Behaviour { return a.behaviours }

// Occurrences returns how often a behaviour occurred. It panics on a name that no
// behaviour has.
func (a *Account) Occurrences(name string) int {
	a.known(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.occurrences[name]
}

// CountOccurrence counts a behaviour that other code simulates.
func (a *Account) CountOccurrence(name string) {
	a.known(name)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.occurrences[name]++
}

func (a *Account) known(name string) {
	for _, b := range a.behaviours {
		if b.Name == name {
			return
		}
	}
	panic(fmt.Sprintf("no behaviour is named %q", name))
}

// before returns the existing resource that an event is about. It returns false if
// there is none, as for a creation.
func (a *Account) before(e *offline.Event) (offline.Event, bool) {
	for _, existing := range a.OfType(e.Type) {
		if existing.ID == e.ID {
			return existing, true
		}
	}
	return offline.Event{}, false
}

// OfType returns the existing resources of a type, in no order.
func (a *Account) OfType(kind string) []offline.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found []offline.Event
	for _, e := range a.objects {
		if e.Type == kind {
			found = append(found, e)
		}
	}
	return found
}

// All returns all existing resources, in no order.
func (a *Account) All() []offline.Event {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := make([]offline.Event, 0, len(a.objects))
	for _, e := range a.objects {
		found = append(found, e)
	}
	return found
}

// Effect returns effect with the account's behaviours: Before runs first, then
// effect, then After. effect may be nil.
func (a *Account) Effect(effect offline.Effect) offline.Effect {
	return func(e *offline.Event) error {
		for _, b := range a.behaviours {
			if b.Before == nil || !b.appliesTo(e.Type) {
				continue
			}
			if err := b.Before(e); err != nil {
				a.CountOccurrence(b.Name)
				return err
			}
		}
		if effect != nil {
			if err := effect(e); err != nil {
				return err
			}
		}
		for _, b := range a.behaviours {
			if b.After != nil && b.appliesTo(e.Type) && b.After(e) {
				a.CountOccurrence(b.Name)
			}
		}
		a.record(*e)
		return nil
	}
}

// record records the result of an operation.
func (a *Account) record(e offline.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	key := e.Type + "\x00" + e.ID
	if e.Deleted {
		delete(a.objects, key)
		return
	}
	switch e.Operation {
	case offline.Delete:
		delete(a.objects, key)
	case offline.Read:
	case offline.Create, offline.Update:
		a.objects[key] = e
	}
}

// remove removes the matching resources from the account and returns their number.
func (a *Account) remove(matches func(offline.Event) bool) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	count := 0
	for key, e := range a.objects {
		if matches(e) {
			delete(a.objects, key)
			count++
		}
	}
	return count
}
