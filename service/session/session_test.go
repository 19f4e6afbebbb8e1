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
)

func secret(c byte) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Repeat(string(c), 32)))
}

func keys(t *testing.T, s string) Keys {
	t.Helper()
	k, err := ParseKeys(s)
	require.NoError(t, err)
	return k
}

func TestParseKeys(t *testing.T) {
	t.Parallel()
	k := keys(t, "new:"+secret('n')+", old:"+secret('o'))
	assert.Equal(t, []string{"new", "old"}, []string{k[0].ID, k[1].ID})
	urlSafe := base64.RawURLEncoding.EncodeToString([]byte(strings.Repeat("\xff\xfe", 16)))
	assert.Len(t, keys(t, "k:"+urlSafe)[0].secret, 32)
	bad := map[string]string{
		"":                                       "key 1 is not id:base64",
		"nocolon":                                "key 1 is not id:base64",
		":" + secret('a'):                        "key 1 is not id:base64",
		"a b:" + secret('a'):                     "key 1 is not id:base64",
		"k:short":                                "key 1 (k) is not at least 32 bytes",
		"k:!!!":                                  "key 1 (k) is not at least 32 bytes",
		"k:" + secret('a') + ",":                 "key 2 is not id:base64",
		"k:" + secret('a') + ",k:" + secret('b'): "key 2 has the id",
	}
	for in, says := range bad {
		_, err := ParseKeys(in)
		require.ErrorContains(t, err, says, in)
		assert.NotContains(t, err.Error(), secret('a'), "never a secret")
	}
}

func TestRotation(t *testing.T) {
	t.Parallel()
	before := New(keys(t, "old:"+secret('o')), time.Minute)
	during := New(keys(t, "new:"+secret('n')+",old:"+secret('o')), time.Minute)
	after := New(keys(t, "new:"+secret('n')), time.Minute)
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

func TestExpiry(t *testing.T) {
	t.Parallel()
	s := New(keys(t, "k:"+secret('k')), time.Minute)
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
	k := keys(t, "k:"+secret('k'))
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
	_, err := s.Verify(sign(jwt.SigningMethodHS256, k[0].secret, "k", good))
	require.NoError(t, err, "the forgeries differ from this one")
	tests := map[string]string{
		"no algorithm":       sign(jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, "k", good),
		"another algorithm":  sign(jwt.SigningMethodHS512, k[0].secret, "k", good),
		"another key":        sign(jwt.SigningMethodHS256, []byte(strings.Repeat("x", 32)), "k", good),
		"an unknown key":     sign(jwt.SigningMethodHS256, k[0].secret, "x", good),
		"no key's id":        sign(jwt.SigningMethodHS256, k[0].secret, nil, good),
		"an id of no string": sign(jwt.SigningMethodHS256, k[0].secret, 7, good),
		"no expiry":          sign(jwt.SigningMethodHS256, k[0].secret, "k", change(func(c *jwt.RegisteredClaims) { c.ExpiresAt = nil })),
		"another issuer":     sign(jwt.SigningMethodHS256, k[0].secret, "k", change(func(c *jwt.RegisteredClaims) { c.Issuer = "x" })),
		"no subject":         sign(jwt.SigningMethodHS256, k[0].secret, "k", change(func(c *jwt.RegisteredClaims) { c.Subject = "" })),
		"not valid yet":      sign(jwt.SigningMethodHS256, k[0].secret, "k", change(func(c *jwt.RegisteredClaims) { c.NotBefore = jwt.NewNumericDate(time.Now().Add(time.Hour)) })),
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
	s := New(keys(t, "k:"+secret('k')), time.Minute)
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
	k, err := ParseKeys("k:" + secret('k'))
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

func FuzzParseKeys(f *testing.F) {
	f.Add("k:" + secret('k'))
	f.Add("a:b,c:d")
	f.Fuzz(func(t *testing.T, in string) {
		k, err := ParseKeys(in)
		if err != nil {
			return
		}
		for _, one := range k {
			if len(one.secret) < minSecret || !validID(one.ID) {
				t.Fatalf("%q was accepted", in)
			}
		}
	})
}
