package https

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// handshake connects once and reads an answer, so that a session ticket arrives.
func handshake(address string, config *tls.Config) (tls.ConnectionState, error) {
	raw, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return tls.ConnectionState{}, err
	}
	defer raw.Close()
	c := tls.Client(raw, config)
	if err := c.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		return tls.ConnectionState{}, err
	}
	if err := c.Handshake(); err != nil {
		return tls.ConnectionState{}, err
	}
	_, _ = c.Write([]byte("GET / HTTP/1.1\r\nHost: " + config.ServerName + "\r\nConnection: close\r\n\r\n"))
	answer := make([]byte, 4096)
	for err == nil {
		_, err = c.Read(answer)
	}
	return c.ConnectionState(), nil
}

// TestProtocolsAndCiphers checks that the server accepts exactly the protocols and
// ciphers of Mozilla's "intermediate" configuration.
func TestProtocolsAndCiphers(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	b := s.startLeading("one", spec(name))
	s.certified(b, name)
	config := func(change func(*tls.Config)) *tls.Config {
		c := s.trusting()
		c.ServerName = name
		change(c)
		return c
	}
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		_, err := handshake(b.https, config(func(c *tls.Config) { c.MinVersion, c.MaxVersion = version, version }))
		require.ErrorContains(t, err, "protocol version not supported", tls.VersionName(version))
	}
	good := []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
	}
	var accepted []uint16
	for _, suite := range append(tls.CipherSuites(), tls.InsecureCipherSuites()...) {
		only := config(func(c *tls.Config) {
			c.MinVersion, c.MaxVersion, c.CipherSuites = tls.VersionTLS10, tls.VersionTLS12, []uint16{suite.ID}
		})
		state, err := handshake(b.https, only)
		if err == nil && state.CipherSuite == suite.ID {
			accepted = append(accepted, suite.ID)
		}
	}
	assert.ElementsMatch(t, good, accepted, "TLS 1.2")
	for _, curve := range []tls.CurveID{tls.X25519, tls.CurveP256, tls.CurveP384} {
		state, err := handshake(b.https, config(func(c *tls.Config) { c.MinVersion, c.CurvePreferences = tls.VersionTLS13, []tls.CurveID{curve} }))
		require.NoError(t, err, curve)
		assert.Equal(t, curve, state.CurveID)
	}
	_, err := handshake(b.https, config(func(c *tls.Config) { c.CurvePreferences = []tls.CurveID{tls.CurveP521} }))
	require.Error(t, err, "P-521 is not in the list")
	for _, protocol := range []string{"h2", "http/1.1"} {
		state, err := handshake(b.https, config(func(c *tls.Config) { c.NextProtos = []string{protocol} }))
		require.NoError(t, err)
		assert.Equal(t, protocol, state.NegotiatedProtocol)
	}
}

// TestSessionsAreResumed checks that TLS 1.3 resumes sessions on every machine of
// the stack, also after a restart of Nginx, and that TLS 1.2 gets no ticket.
func TestSessionsAreResumed(t *testing.T) {
	t.Parallel()
	s := newStack(t, time.Hour)
	one := s.startLeading("one", spec(name))
	s.certified(one, name)
	two := s.start("two", spec(name))
	s.certified(two, name)
	// Each process learns the stack's key at its first full handshake.
	warm := func(b *box) {
		for range 8 * len(children(t, b.nginx.Process.Pid)) {
			_, err := serial(b.https, name, s.trusting())
			require.NoError(t, err)
		}
	}
	warm(one)
	warm(two)
	client := s.trusting()
	client.ServerName, client.ClientSessionCache = name, tls.NewLRUClientSessionCache(1)
	state, err := handshake(one.https, client)
	require.NoError(t, err)
	require.False(t, state.DidResume)
	for range 3 {
		for _, b := range []*box{one, two} {
			state, err = handshake(b.https, client)
			require.NoError(t, err)
			assert.True(t, state.DidResume, b.root)
		}
	}
	two.stopNginx()
	two.startNginx()
	eventually(t, 20*time.Second, func() error {
		_, err := serial(two.https, name, s.trusting())
		return err
	})
	time.Sleep(6 * time.Second) // a round of the agent
	warm(two)
	state, err = handshake(two.https, client)
	require.NoError(t, err)
	assert.True(t, state.DidResume, "after a restart of Nginx")

	old := &tickets{}
	client = s.trusting()
	client.ServerName, client.MaxVersion, client.ClientSessionCache = name, tls.VersionTLS12, old
	_, err = handshake(one.https, client)
	require.NoError(t, err)
	assert.Zero(t, old.put, "TLS 1.2 gets no ticket: its key would open the recorded session")
}

// tickets counts the tickets that a client gets.
type tickets struct{ put int }

func (*tickets) Get(string) (*tls.ClientSessionState, bool) { return nil, false }

func (c *tickets) Put(_ string, state *tls.ClientSessionState) {
	if state != nil {
		c.put++
	}
}
