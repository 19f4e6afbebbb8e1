package acceptance

import (
	"net/http"
	"sync"
)

// following is a lock, so that only one machine polls at a time.
var following sync.Mutex

// fakeAddress is an address that leads to a machine or to none.
type fakeAddress struct {
	world *world
	// to is the id of the machine, or "".
	to string
}

// allocate creates an address.
func (w *world) allocate() string {
	a := &fakeAddress{world: w}
	host, _ := w.serve(a)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addresses[host] = a
	return host
}

// move assigns an address to a machine.
func (w *world) move(host, machine string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.addresses[host].to = machine
	w.note("move to %s", machine)
}

// undoMove undoes a move if the address still leads to the machine, as clouds do.
func (w *world) undoMove(host, machine string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a := w.addresses[host]; a != nil && a.to == machine {
		a.to = ""
		w.note("leave %s", machine)
	}
}

// addressTarget returns the machine that the only address leads to.
func (w *world) addressTarget() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, a := range w.addresses {
		return a.to
	}
	return ""
}

func (a *fakeAddress) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	a.world.mu.Lock()
	m := a.world.machines[a.to]
	a.world.mu.Unlock()
	if m == nil {
		// The address leads to no machine: the connection ends without an
		// answer.
		panic(http.ErrAbortHandler)
	}
	m.ServeHTTP(rw, r)
}
