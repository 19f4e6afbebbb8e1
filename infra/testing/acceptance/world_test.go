package acceptance

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"escala/infra/testing/cloudfake"
)

// world simulates everything outside Pulumi: buckets, machines that follow
// them, and addresses that lead to machines. It records the events in order.
type world struct {
	t  *testing.T
	mu sync.Mutex
	// aws is the account of a stack on AWS.
	aws *cloudfake.AWS
	// buckets maps bucket names to objects by key.
	buckets   map[string]map[string]string
	machines  map[string]*fakeMachine
	addresses map[string]*fakeAddress
	journal   []string
	// broken returns why machines with this user-data never serve, or "".
	broken func(userData string) string
	// refusing maps a release to the reason why machines refuse it.
	refusing map[string]string
	// onPut is called for each stored object.
	onPut func(key string)
}

func newWorld(t *testing.T) *world {
	t.Helper()
	return &world{
		t: t, buckets: map[string]map[string]string{}, machines: map[string]*fakeMachine{},
		addresses: map[string]*fakeAddress{}, refusing: map[string]string{},
		broken: func(string) string { return "" },
		onPut:  func(string) {},
	}
}

func (w *world) note(format string, args ...any) {
	w.journal = append(w.journal, fmt.Sprintf(format, args...))
}

// since returns the journal from a mark on.
func (w *world) since(mark int) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.journal[mark:])
}

func (w *world) mark() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.journal)
}

func (w *world) put(bucket, key, content string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.buckets[bucket] == nil {
		w.buckets[bucket] = map[string]string{}
	}
	w.buckets[bucket][key] = content
	w.note("put %s", key)
	w.onPut(key)
}

func (w *world) drop(bucket, key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.buckets[bucket], key)
	w.note("drop %s", key)
}

func (w *world) object(bucket, key string) (string, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	content, ok := w.buckets[bucket][key]
	return content, ok
}

// stored returns the keys of the only bucket.
func (w *world) stored() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var keys []string
	for _, bucket := range w.buckets {
		for key := range bucket {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// serve answers on loopback until the test ends.
func (w *world) serve(handler http.Handler) (string, *httptest.Server) {
	server := httptest.NewServer(handler)
	w.t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	_, _, err := net.SplitHostPort(host)
	require.NoError(w.t, err)
	return host, server
}
