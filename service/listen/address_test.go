package listen

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		in      string
		want    Address
		message string
	}{
		{"fd:0", Address{Network: Inherited}, ""},
		{"fd:3", Address{Network: Inherited, FD: 3}, ""},
		{"unix:/run/api/a.sock", Address{Network: Unix, Path: "/run/api/a.sock"}, ""},
		{"tcp:127.0.0.1:3000", Address{Network: TCP, Host: "127.0.0.1", Port: 3000}, ""},
		{"tcp::0", Address{Network: TCP}, ""},
		{"tcp:[::1]:80", Address{Network: TCP, Host: "::1", Port: 80}, ""},
		{"fd:", Address{}, "no file descriptor"},
		{"fd:-1", Address{}, "no file descriptor"},
		{"fd:01", Address{}, "no file descriptor"},
		{"unix:relative", Address{}, "no absolute path"},
		{"unix:/" + strings.Repeat("x", 107), Address{}, "longer than the 107 bytes"},
		{"tcp:3000", Address{}, "no host:port"},
		{"tcp:h:65536", Address{}, "no port from 0 to 65535"},
		{"tcp:h:http", Address{}, "no port from 0 to 65535"},
		{"3000", Address{}, "is not one of"},
		{"", Address{}, "is not one of"},
	}
	for _, tt := range tests {
		t.Run(tt.in, func(t *testing.T) {
			t.Parallel()
			got, err := Parse(tt.in)
			if tt.message != "" {
				require.ErrorContains(t, err, tt.message)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, tt.want, got)
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"fd:0", "unix:/a", "tcp:127.0.0.1:3000", "tcp:[::1%lo]:1", "fd:99999999999", ":"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		a, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(a.String())
		if err != nil || again != a {
			t.Fatalf("%q became %q, which is read as %+v (%v)", s, a.String(), again, err)
		}
	})
}
