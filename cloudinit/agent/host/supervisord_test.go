package host

import (
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent"
)

// answering returns a supervisord that gives the same answer to every call.
func answering(t *testing.T, answer string) (*Supervisord, *string) {
	t.Helper()
	root, err := os.MkdirTemp("", "s")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	require.NoError(t, os.MkdirAll(filepath.Join(root, "run"), 0o755))
	l, err := net.Listen("unix", root+SupervisorSocket)
	require.NoError(t, err)
	asked := new(string)
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		*asked = r.URL.Path + " " + string(body)
		_, _ = io.WriteString(w, answer)
	})}
	go func() { _ = server.Serve(l) }()
	t.Cleanup(func() { _ = server.Close() })
	return &Supervisord{Root: Root(root), Program: "api", Count: 2}, asked
}

func TestSlots(t *testing.T) {
	s, asked := answering(t, `<?xml version='1.0'?>
<methodResponse><params><param><value><array><data>
<value><struct><member><name>name</name><value><string>api_1</string></value></member><member><name>group</name><value><string>api</string></value></member>
<member><name>state</name><value><int>30</int></value></member><member><name>pid</name><value><int>0</int></value></member></struct></value>
<value><struct><member><name>name</name><value><string>api_0</string></value></member><member><name>group</name><value><string>api</string></value></member>
<member><name>state</name><value><int>20</int></value></member><member><name>pid</name><value><int>99999999</int></value></member>
<member><name>start</name><value><int>100</int></value></member><member><name>now</name><value><int>107</int></value></member></struct></value>
<value><struct><member><name>name</name><value><string>other</string></value></member><member><name>group</name><value><string>other</string></value></member>
<member><name>state</name><value><int>20</int></value></member></struct></value>
</data></array></value></param></params></methodResponse>`)
	slots, err := s.Slots(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []agent.Slot{{State: agent.SlotRunning, Up: 7e9}, {State: agent.SlotBackoff}}, slots)
	assert.Contains(t, *asked, "/RPC2 <methodCall><methodName>supervisor.getAllProcessInfo</methodName>")

	s.Count = 3
	_, err = s.Slots(t.Context())
	require.ErrorContains(t, err, "supervisord has 2 of the 3 workers' programs")
}

func TestStartAndStopAreRepeatable(t *testing.T) {
	fault := func(code string) string {
		return `<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>` + code +
			`</int></value></member><member><name>faultString</name><value><string>WHY</string></value></member></struct></value></fault></methodResponse>`
	}
	s, asked := answering(t, fault("60"))
	require.NoError(t, s.Start(t.Context(), 1), "it runs already")
	assert.Contains(t, *asked, "<string>api:api_1</string>")
	assert.Contains(t, *asked, "<boolean>0</boolean>")
	err := s.Stop(t.Context(), 1)
	require.ErrorContains(t, err, "supervisord: WHY (60)")
	s, _ = answering(t, fault("70"))
	require.NoError(t, s.Stop(t.Context(), 1), "it does not run")
}

func TestNoSupervisord(t *testing.T) {
	s := &Supervisord{Root: Root(t.TempDir()), Program: "api", Count: 2}
	_, err := s.Slots(context.Background())
	require.ErrorContains(t, err, "supervisord: it does not answer at "+SupervisorSocket)
	assert.ErrorIs(t, err, os.ErrNotExist)
}

// TestHandOver checks that under the proxy's path, the old socket works until the
// rename, and the new one after it: the kernel finds a socket by its inode.
func TestHandOver(t *testing.T) {
	root, err := os.MkdirTemp("", "s")
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(root) })
	require.NoError(t, os.MkdirAll(filepath.Dir(root+WorkersSocket), 0o755))
	s := &Supervisord{Root: Root(root)}
	done, err := s.HandedOver(t.Context())
	require.NoError(t, err)
	assert.False(t, done)
	reached := make(chan int, 1)
	listen := func(number int) {
		require.NoError(t, os.RemoveAll(root+WorkersSocket))
		l, err := net.Listen("unix", root+WorkersSocket)
		require.NoError(t, err)
		l.(*net.UnixListener).SetUnlinkOnClose(false)
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			for {
				conn, err := l.Accept()
				if err != nil {
					return
				}
				reached <- number
				_ = conn.Close()
			}
		}()
	}
	dial := func() int {
		conn, err := net.Dial("unix", root+ProxySocket)
		require.NoError(t, err)
		defer conn.Close()
		return <-reached
	}
	for number := range 3 {
		listen(number)
		if number > 0 {
			assert.Equal(t, number-1, dial(), "before")
		}
		done, err := s.HandedOver(t.Context())
		require.NoError(t, err)
		assert.False(t, done)
		require.NoError(t, s.HandOver(t.Context()))
		assert.Equal(t, number, dial(), "after")
		done, err = s.HandedOver(t.Context())
		require.NoError(t, err)
		assert.True(t, done)
	}
}

func TestLastLines(t *testing.T) {
	for in, want := range map[string]string{"": "", "a": "a", "a\n": "a", "a\nb\nc\n": "b\nc", "a\nb\nc": "b\nc"} {
		assert.Equal(t, want, lastLines([]byte(in), 2), "%q", in)
	}
	l := &lastBytes{}
	for range 10_000 {
		_, _ = l.Write([]byte("0123456789\n"))
	}
	assert.LessOrEqual(t, len(l.content), outputBytes)
	assert.Equal(t, "0123456789\n0123456789", l.lastLines(2))
	_, _ = l.Write(make([]byte, 3*outputBytes))
	assert.Len(t, l.content, outputBytes)
}
