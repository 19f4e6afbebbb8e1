package session

import (
	"net/http"
	"strings"
	"time"
)

// cookie is the name of the cookie that carries a token.
const cookie = "session"

// Of reads the session of a request from its bearer token, or else from its
// cookie.
func (s *Sessions) Of(r *http.Request) (Session, error) {
	if kind, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(kind, "bearer") {
		return s.Verify(strings.TrimSpace(token))
	}
	c, err := r.Cookie(cookie)
	if err != nil {
		return Session{}, ErrInvalid
	}
	return s.Verify(c.Value)
}

// SetCookie sets the session's cookie. Scripts cannot read it, other sites'
// pages cannot send it, and under HTTPS a browser never sends it unencrypted. A
// trusted proxy reports whether the browser uses HTTPS.
func (s *Sessions) SetCookie(w http.ResponseWriter, r *http.Request, token string, session Session) {
	s.write(w, r, token, int(session.Expires.Sub(s.now()).Round(time.Second).Seconds()))
}

// ClearCookie removes the session from a browser.
func (s *Sessions) ClearCookie(w http.ResponseWriter, r *http.Request) { s.write(w, r, "", -1) }

func (s *Sessions) write(w http.ResponseWriter, r *http.Request, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure follows the scheme: over plain HTTP a browser would not keep it
		Name: cookie, Value: value, Path: "/", MaxAge: maxAge, HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
		Secure:   r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	})
}
