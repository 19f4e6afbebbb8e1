// Package session signs and checks sessions as JSON Web Tokens. With them, any
// worker can serve any request, and a worker keeps no data about a person in
// memory.
package session

import (
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"escala/service/session/keys"
)

// Sessions issues and checks tokens.
type Sessions struct {
	keys keys.Keys
	ttl  time.Duration
	now  func() time.Time
}

// Session is the content of a valid token.
type Session struct {
	// Subject is the owner of the session.
	Subject string
	// ID is unique to the token.
	ID      string
	Expires time.Time
}

// issuer distinguishes tokens of other services that share a key by mistake.
const issuer = "escala"

// leeway is the allowed difference between the clocks of machines.
const leeway = 5 * time.Second

// ErrInvalid is the error of every rejected token. Clients do not get the
// reason.
var ErrInvalid = errors.New("no valid session")

// New returns sessions that last for ttl. k must have at least one key.
func New(k keys.Keys, ttl time.Duration) *Sessions {
	return &Sessions{keys: k, ttl: ttl, now: time.Now}
}

// Issue signs a session for a subject.
func (s *Sessions) Issue(subject string) (token string, session Session, err error) {
	now := s.now()
	session = Session{Subject: subject, ID: rand.Text(), Expires: now.Add(s.ttl).Truncate(time.Second)}
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.RegisteredClaims{
		Issuer: issuer, Subject: subject, ID: session.ID,
		IssuedAt: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(session.Expires),
	})
	t.Header["kid"] = s.keys[0].ID
	token, err = t.SignedString(s.keys[0].Secret)
	if err != nil {
		return "", Session{}, fmt.Errorf("signing a session: %w", err)
	}
	return token, session, nil
}

// Verify reads a token. Every error is an ErrInvalid.
func (s *Sessions) Verify(token string) (Session, error) {
	var claims jwt.RegisteredClaims
	_, err := jwt.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		if key := s.keys.Find(id); key != nil {
			return key, nil
		}
		return nil, errors.New("unknown key")
	},
		// Only this package chooses the algorithm, never the token.
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithIssuer(issuer),
		jwt.WithLeeway(leeway), jwt.WithTimeFunc(s.now))
	if err != nil {
		return Session{}, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	if claims.Subject == "" {
		return Session{}, fmt.Errorf("%w: it has no subject", ErrInvalid)
	}
	return Session{Subject: claims.Subject, ID: claims.ID, Expires: claims.ExpiresAt.Time}, nil
}
