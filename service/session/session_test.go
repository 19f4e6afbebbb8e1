package session

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/session/keys"
)

func secret(c byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(c), 32)))
}

func parse(t *testing.T, s string) keys.Keys {
	t.Helper()
	k, err := keys.Parse(s)
	require.NoError(t, err)
	return k
}

func TestRotation(t *testing.T) {
	t.Parallel()
	before := New(parse(t, "old:"+secret('o')), time.Minute)
	during := New(parse(t, "new:"+secret('n')+",old:"+secret('o')), time.Minute)
	after := New(parse(t, "new:"+secret('n')), time.Minute)
	oldToken, _, err := before.Issue("anna")
	require.NoError(t, err)
	newToken, _, err := during.Issue("anna")
	require.NoError(t, err)

	s, err := during.Verify(oldToken)
	require.NoError(t, err, "sessions from before the rotation go on")
	assert.Equal(t, "anna", s.Subject)
	_, err = after.Verify(newToken)
	require.NoError(t, err, "the first key signs")
	_, err = after.Verify(oldToken)
	require.ErrorIs(t, err, ErrInvalid)
	_, err = before.Verify(newToken)
	require.ErrorIs(t, err, ErrInvalid)
}

// TestRotationInSteps checks that workers of two consecutive releases accept each
// other's signatures, as they must during a roll.
func TestRotationInSteps(t *testing.T) {
	t.Parallel()
	old, fresh := "old:"+secret('o'), "new:"+secret('n')
	steps := []string{old, old + "," + fresh, fresh + "," + old, fresh}
	for i := 1; i < len(steps); i++ {
		before, after := New(parse(t, steps[i-1]), time.Minute), New(parse(t, steps[i]), time.Minute)
		token, _, err := after.Issue("anna")
		require.NoError(t, err)
		_, err = before.Verify(token)
		require.NoError(t, err, "step %d: a worker of the release before accepts a new session", i)
		token, _, err = before.Issue("anna")
		require.NoError(t, err)
		if i < len(steps)-1 { // before the last step, SESSION_TTL has passed
			_, err = after.Verify(token)
			require.NoError(t, err, "step %d: a worker of the new release accepts an old session", i)
		}
	}
}

func TestExpiry(t *testing.T) {
	t.Parallel()
	s := New(parse(t, "k:"+secret('k')), time.Minute)
	token, issued, err := s.Issue("anna")
	require.NoError(t, err)
	s.now = func() time.Time { return issued.Expires.Add(leeway - time.Second) }
	_, err = s.Verify(token)
	require.NoError(t, err)
	s.now = func() time.Time { return issued.Expires.Add(leeway + time.Second) }
	_, err = s.Verify(token)
	require.ErrorIs(t, err, ErrInvalid)
}

func TestForgeriesAreRefused(t *testing.T) {
	t.Parallel()
	k := parse(t, "k:"+secret('k'))
	s := New(k, time.Minute)
	sign := func(m jwt.SigningMethod, key any, kid any, c jwt.Claims) string {
		token := jwt.NewWithClaims(m, c)
		if kid != nil {
			token.Header["kid"] = kid
		}
		out, err := token.SignedString(key)
		require.NoError(t, err)
		return out
	}
	good := jwt.RegisteredClaims{Issuer: issuer, Subject: "anna", ExpiresAt: jwt.NewNumericDate(time.Now().Add(time.Minute))}
	change := func(f func(*jwt.RegisteredClaims)) jwt.RegisteredClaims {
		c := good
		f(&c)
		return c
	}
	_, err := s.Verify(sign(jwt.SigningMethodHS256, k[0].Secret, "k", good))
	require.NoError(t, err, "the forgeries differ from this one")
	tests := map[string]string{
		"no algorithm":       sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "k", good),
		"another algorithm":  sign(jwt.SigningMethodHS512, k[0].Secret, "k", good),
		"another key":        sign(jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), "k", good),
		"an unknown key":     sign(jwt.SigningMethodHS256, k[0].Secret, "x", good),
		"no key's id":        sign(jwt.SigningMethodHS256, k[0].Secret, nil, good),
		"an id of no string": sign(jwt.SigningMethodHS256, k[0].Secret, 7, good),
		"no expiry":          sign(jwt.SigningMethodHS256, k[0].Secret, "k", change(func(c *jwt.RegisteredClaims) { c.ExpiresAt = nil })),
		"another issuer":     sign(jwt.SigningMethodHS256, k[0].Secret, "k", change(func(c *jwt.RegisteredClaims) { c.Issuer = "x" })),
		"no subject":         sign(jwt.SigningMethodHS256, k[0].Secret, "k", change(func(c *jwt.RegisteredClaims) { c.Subject = "" })),
		"not valid yet":      sign(jwt.SigningMethodHS256, k[0].Secret, "k", change(func(c *jwt.RegisteredClaims) { c.NotBefore = jwt.NewNumericDate(time.Now().Add(time.Hour)) })),
		"nonsense":           "a.b.c",
		"empty":              "",
	}
	for name, token := range tests {
		_, err := s.Verify(token)
		assert.ErrorIs(t, err, ErrInvalid, name)
	}
}

func TestBearerOrCookie(t *testing.T) {
	t.Parallel()
	s := New(parse(t, "k:"+secret('k')), time.Minute)
	token, issued, err := s.Issue("anna")
	require.NoError(t, err)
	for _, https := range []bool{false, true} {
		login := httptest.NewRequest(http.MethodPost, "/", nil)
		if https {
			login.Header.Set("X-Forwarded-Proto", "https")
		}
		w := httptest.NewRecorder()
		s.SetCookie(w, login, token, issued)
		c := w.Result().Cookies()[0]
		assert.True(t, c.HttpOnly)
		assert.Equal(t, http.SameSiteLaxMode, c.SameSite)
		assert.Equal(t, https, c.Secure)
		assert.InDelta(t, 60, c.MaxAge, 2)
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(c)
		got, err := s.Of(r)
		require.NoError(t, err)
		assert.Equal(t, "anna", got.Subject)
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "bearer "+token)
	_, err = s.Of(r)
	require.NoError(t, err)
	r.Header.Set("Authorization", "Bearer nonsense")
	r.AddCookie(&http.Cookie{Name: cookie, Value: token})
	_, err = s.Of(r)
	require.ErrorIs(t, err, ErrInvalid, "a bad token is not made good by a cookie")
	w := httptest.NewRecorder()
	s.ClearCookie(w, r)
	assert.Negative(t, w.Result().Cookies()[0].MaxAge)
}

func FuzzVerify(f *testing.F) {
	k, err := keys.Parse("k:" + secret('k'))
	if err != nil {
		f.Fatal(err)
	}
	s := New(k, time.Hour)
	token, _, err := s.Issue("anna")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Fuzz(func(t *testing.T, in string) {
		if got, err := s.Verify(in); err == nil && got.Subject != "anna" {
			t.Fatalf("%q was accepted as %+v", in, got)
		}
	})
}
