package loadgen

import (
	"fmt"
	"os"
	"syscall"
	"testing"
	"time"
)

// TestLocalTroubleIsNotTheServices checks that a problem of this machine never
// counts as the service's failure.
func TestLocalTroubleIsNotTheServices(t *testing.T) {
	where, err := resolve(t.Context(), "http://127.0.0.1:1", "", false)
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(where, 1)
	o := p.exchange(t.Context(), newRequestTemplate(0, Stream{Method: "GET", Path: "/"}, where), arrival{}, time.Now())
	if o.kind != Local || o.opened {
		t.Errorf("sent after its timeout: %+v, want %q and no connection", o, Local)
	}
	for _, number := range []syscall.Errno{syscall.EMFILE, syscall.ENFILE, syscall.EADDRNOTAVAIL} {
		err := fmt.Errorf("connect: %w", os.NewSyscallError("socket", number))
		if kind := kindOf(err); !kind.unsent() {
			t.Errorf("%v is %q, want %q", err, kind, Local)
		}
	}
}

// TestPoolRefillsAfterFailures checks that a failed connection frees its place in
// the pool.
func TestPoolRefillsAfterFailures(t *testing.T) {
	where, err := resolve(t.Context(), "http://127.0.0.1:1", "", false)
	if err != nil {
		t.Fatal(err)
	}
	p := newPool(where, 2)
	for range 5 {
		o := p.exchange(t.Context(), newRequestTemplate(0, Stream{Method: "GET", Path: "/"}, where), arrival{keep: true}, time.Now().Add(time.Second))
		if o.kind != Refused || !o.opened {
			t.Fatalf("%+v, want a refused connection", o)
		}
	}
	if kept := p.kept.Load(); kept != 0 {
		t.Errorf("%d places are taken by no connection", kept)
	}
}
