package rooms

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParseEnvelope(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in, message string
	}{
		{"a message", `{"origin":"w","kind":"message","payload":{"type":"message","room":"r","from":"f","text":"t","at":"2026-01-01T00:00:00Z"}}`, ""},
		{"a count", `{"origin":"w","kind":"presence","members":3}`, ""},
		{"no JSON", `{`, "reading a message from Redis"},
		{"no origin", `{"kind":"presence"}`, "no origin"},
		{"a message without payload", `{"origin":"w","kind":"message"}`, "not a message"},
		{"a payload that is something else", `{"origin":"w","kind":"message","payload":{"type":"welcome"}}`, "not a message"},
		{"fewer than none", `{"origin":"w","kind":"presence","members":-1}`, "no sensible number"},
		{"another kind", `{"origin":"w","kind":"admin"}`, "unknown kind"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := parseEnvelope(tt.in)
			if tt.message == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, tt.message)
		})
	}
}

func FuzzParseEnvelope(f *testing.F) {
	f.Add(`{"origin":"w","kind":"presence","members":3,"ask":true}`)
	f.Add(`{"origin":"w","kind":"message","payload":{"type":"message"}}`)
	f.Fuzz(func(t *testing.T, s string) {
		e, err := parseEnvelope(s)
		if err != nil {
			return
		}
		again, err := parseEnvelope(string(encode(e)))
		if err != nil || again.Kind != e.Kind || again.Members != e.Members {
			t.Fatalf("%q does not survive: %+v, %v", s, again, err)
		}
		if e.Kind == kindMessage && !json.Valid(e.Payload) {
			t.Fatalf("clients would get %q", e.Payload)
		}
	})
}

func FuzzValidName(f *testing.F) {
	f.Add("tea")
	f.Add("a b")
	f.Fuzz(func(t *testing.T, s string) {
		if !ValidName(s) {
			return
		}
		for _, c := range s {
			if c < '-' || c > 'z' {
				t.Fatalf("%q has %q", s, c)
			}
		}
		if len(s) > maxName {
			t.Fatalf("%q is too long", s)
		}
	})
}

func TestBucket(t *testing.T) {
	t.Parallel()
	b := newBucket(2, 3)
	now := time.Unix(0, 0)
	for i, want := range []bool{true, true, true, false} {
		assert.Equal(t, want, b.take(now), i)
	}
	assert.True(t, b.take(now.Add(500*time.Millisecond)), "two per second")
	assert.False(t, b.take(now.Add(600*time.Millisecond)))
	for i, want := range []bool{true, true, true, false} {
		assert.Equal(t, want, b.take(now.Add(time.Hour)), "never more than the burst: %d", i)
	}
}

func TestStaleCountsAreForgotten(t *testing.T) {
	t.Parallel()
	r := newRoom()
	now := time.Now()
	r.remote = map[string]remoteMembers{"a": {2, now}, "b": {3, now.Add(-stale - time.Second)}}
	assert.Equal(t, 2, r.total(now))
	assert.NotContains(t, r.remote, "b")
}
