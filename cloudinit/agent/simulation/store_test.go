package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"escala/cloudinit/agent"
	"escala/service"
)

// kind is the behavior of a release.
type kind int

const (
	good kind = iota
	exits
	neverReady
	unhealthy
	answersAsAnother
	hangsOnTerm
	failsAsWorker
	needsDependency // is ready only while its dependency works
	kinds
)

// bad reports whether a release of this kind must not serve.
func (k kind) bad() bool { return k != good && k != needsDependency }

// binary is a release's content and behavior.
type binary struct {
	service.Release
	content []byte
	kind    kind
	// dies means that a process of the release beside the workers dies at once.
	dies   bool
	number int
	// failing is the share of requests that it answers with an error, from 0 to 1.
	// falls means that its workers die while they serve.
	failing float64
	falls   bool
}

// bad reports whether the release must not serve.
func (b *binary) bad() bool { return b.kind.bad() || b.dies }

func newBinary(n int, k kind) *binary {
	content := []byte(fmt.Sprintf("release %d is a program of kind %d", n, k))
	return &binary{Release: service.ReleaseOf(content), content: content, kind: k, number: n}
}

// storeMode is a fault of the store.
type storeMode int

const (
	storeWell storeMode = iota
	storeAway
	storeSlow
	storeStale   // returns earlier pointers
	storeLies    // returns wrong content without an error
	storeCorrupt // detects wrong content and returns an error
	storeModes
)

// pointer is the content of the store's pointer at a time.
type pointer struct {
	*binary
	wanted service.Wanted
}

// releaseStore is the release store.
type releaseStore struct {
	mode     storeMode
	pointers []pointer // the last one is the current one
}

func (s *releaseStore) current() pointer { return s.pointers[len(s.pointers)-1] }

type lifeStore struct{ *life }

var _ agent.Store = lifeStore{}

var errAway = errors.New("the store does not answer")

func (s lifeStore) Current(context.Context) (service.Wanted, error) {
	s.call()
	st := s.w.store
	switch {
	case len(st.pointers) == 0:
		return service.Wanted{}, errors.New("there is no pointer")
	case st.mode == storeAway:
		return service.Wanted{}, errAway
	case st.mode == storeSlow:
		s.w.pass(20 * time.Second)
		s.call()
		return service.Wanted{}, errAway
	case st.mode == storeStale:
		return s.stalePointer(st.pointers[s.w.rng.IntN(len(st.pointers))].wanted), nil
	}
	return s.stalePointer(st.current().wanted), nil
}

// stalePointer records what the agent reads.
func (s lifeStore) stalePointer(wanted service.Wanted) service.Wanted {
	if s.w.traffic != nil {
		s.w.traffic.looked = wanted
		if s.w.store.mode == storeStale {
			clear(s.w.traffic.refused) // another release that is wanted ends a refusal
		}
	}
	return wanted
}

func (s lifeStore) Copy(_ context.Context, w io.Writer, release service.Release) error {
	s.call()
	b := s.w.binaries[release.ID]
	switch s.w.store.mode {
	case storeAway:
		return errAway
	case storeSlow:
		s.w.pass(20 * time.Second)
		_, _ = w.Write(b.content[:len(b.content)/2])
		return errAway
	case storeLies:
		content := append([]byte(nil), b.content...)
		content[s.w.rng.IntN(len(content))] ^= 1
		_, err := w.Write(content)
		return err
	case storeCorrupt:
		_, _ = w.Write(b.content[:len(b.content)/2])
		return errors.New("corrupt")
	}
	_, err := w.Write(b.content)
	return err
}

func (s lifeStore) Write(context.Context, string, []byte) error {
	s.call()
	if s.w.store.mode != storeWell {
		return errAway
	}
	return nil
}
