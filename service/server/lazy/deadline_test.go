package lazy

import (
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// BenchmarkMove compares a request's five moves of the deadline with those on a
// plain connection.
func BenchmarkMove(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(b, err)
	defer l.Close()
	c, err := net.Dial("tcp", l.Addr().String())
	require.NoError(b, err)
	defer c.Close()
	lazy := &Deadline{Set: c.SetReadDeadline}
	for name, set := range map[string]func(time.Time) error{"plain": c.SetReadDeadline, "lazy": lazy.Move} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				now := time.Now()
				for _, t := range []time.Time{now.Add(2 * time.Minute), {}, now.Add(10 * time.Second), {}, now.Add(2 * time.Minute)} {
					require.NoError(b, set(t))
				}
			}
		})
	}
}
