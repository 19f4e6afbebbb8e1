package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// machine answers every line with its name and that line.
func machine(t *testing.T, name string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				lines := bufio.NewScanner(c)
				for lines.Scan() {
					fmt.Fprintf(c, "%s %s\n", name, lines.Text())
				}
				// The client has closed its writing side; it must still receive this.
				fmt.Fprintf(c, "%s bye\n", name)
			}()
		}
	}()
	return l.Addr().String()
}

func serve(t *testing.T, target string) (address string, done chan error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address = l.Addr().String()
	require.NoError(t, l.Close())
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	done = make(chan error, 1)
	go func() { done <- run(ctx, address, target) }()
	require.Eventually(t, func() bool {
		c, err := net.Dial("tcp", address)
		if err == nil {
			c.Close()
		}
		return err == nil
	}, 5*time.Second, 5*time.Millisecond)
	return address, done
}

func TestMovingTheTargetMovesOnlyNewConnections(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target")
	one, two := machine(t, "one"), machine(t, "two")
	require.NoError(t, os.WriteFile(target, []byte(one+"\n"), 0o600))
	address, _ := serve(t, target)

	old := dial(t, address)
	assert.Equal(t, "one a\n", old.ask(t, "a"))
	require.NoError(t, os.WriteFile(target, []byte(two+"\n"), 0o600))
	assert.Equal(t, "one b\n", old.ask(t, "b"))
	assert.Equal(t, "two c\n", dial(t, address).ask(t, "c"))
}

func TestHalfClosedConnectionsGetTheirAnswer(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target")
	require.NoError(t, os.WriteFile(target, []byte(machine(t, "one")), 0o600))
	address, _ := serve(t, target)
	c := dial(t, address)
	require.NoError(t, c.CloseWrite())
	said, err := io.ReadAll(c)
	require.NoError(t, err)
	assert.Equal(t, "one bye\n", string(said))
}

func TestAMachineThatIsGoneEndsTheConnection(t *testing.T) {
	target := filepath.Join(t.TempDir(), "target")
	require.NoError(t, os.WriteFile(target, []byte("127.0.0.1:1\n"), 0o600))
	address, _ := serve(t, target)
	c := dial(t, address)
	require.NoError(t, c.SetDeadline(time.Now().Add(5*time.Second)))
	_, err := c.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

func TestAPortThatIsTakenIsAnError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	require.ErrorContains(t, run(t.Context(), l.Addr().String(), "x"), "listening")
}

type client struct {
	*net.TCPConn
	lines *bufio.Reader
}

func dial(t *testing.T, address string) client {
	t.Helper()
	c, err := net.Dial("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { c.Close() })
	return client{c.(*net.TCPConn), bufio.NewReader(c)}
}

func (c client) ask(t *testing.T, line string) string {
	t.Helper()
	_, err := fmt.Fprintln(c, line)
	require.NoError(t, err)
	answer, err := c.lines.ReadString('\n')
	require.NoError(t, err)
	return answer
}
