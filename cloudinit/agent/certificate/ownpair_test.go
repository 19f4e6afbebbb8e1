package certificate

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
)

// ownPair returns an own certificate as an operator has it.
func ownPair(t *testing.T, w *world, names string, lifetime time.Duration) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	before := w.authority.lifetime
	w.set(func(w *world) { w.authority.thumbprints["own"], w.authority.lifetime = true, lifetime })
	chain, err := account{&w.authority, "own"}.Order(t.Context(), names, key, nil)
	w.set(func(w *world) { w.authority.lifetime = before })
	require.NoError(t, err)
	der, err := x509.MarshalECPrivateKey(key)
	require.NoError(t, err)
	// OpenSSL writes the curve before the key.
	return string(pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 8, 42, 134, 72, 206, 61, 3, 1, 7}})) +
		string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})) + string(chain)
}

func TestOwnCertificate(t *testing.T) {
	inWorld(t, 90*day, func(t *testing.T, w *world) {
		b := w.box("one")
		b.mode, b.subjects = service.TLSCertificate, []string{host, "www.example.com"}
		b.start()
		pass(time.Minute)
		assert.Contains(t, b.keeper.Status().Error, "reading the certificate: unreachable")
		pair := ownPair(t, w, host, 100*day)
		b.set(func(b *box) { b.own = pair })
		pass(2 * time.Minute)
		require.True(t, b.valid())
		s := b.keeper.Status()
		assert.Equal(t, []string{host}, s.Names)
		assert.Equal(t, []string{"www.example.com"}, s.Missing)
		assert.Contains(t, s.Error, "not www.example.com")
		assert.Equal(t, []string{host}, b.serving().Valid)
		pass(92 * day)
		assert.Contains(t, b.keeper.Status().Error, "service.tls.certificate ends on")
		pass(10 * day)
		assert.Contains(t, b.keeper.Status().Error, "service.tls.certificate ended on")
		assert.Empty(t, b.keeper.Status().Names)
		b.stop()
		// The disk has it while the secrets cannot be read.
		b.own, b.served = "", Serving{}
		b.start()
		pass(time.Minute)
		assert.NotNil(t, b.leaf(host))
		b.stop()
	})
}

func TestOwnCertificateThatIsNone(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"nonsense": "there is no certificate in it",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})): "there is no private key in it",
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("x")})) +
			string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")})): "reading the certificate",
	} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, 90*day)
			b := w.box("one")
			b.mode, b.own = service.TLSCertificate, text
			b.start()
			pass(time.Minute)
			assert.Contains(t, b.keeper.Status().Error, want)
			assert.NotContains(t, b.keeper.Status().Error, "secret")
			b.stop()
		})
	}
}
