// Package session signs and checks sessions as JSON Web Tokens, so that any
// worker can serve any request and nothing about a person lives in a worker's
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

// Session is what a valid token says.
type Session struct {
	// Subject is who it is for.
	Subject string
	// ID is unique to the token.
	ID      string
	Expires time.Time
}

// issuer keeps tokens of other services that share a key by mistake out.
const issuer = "escala"

// leeway allows for clocks of different machines.
const leeway = 5 * time.Second

// ErrInvalid is for every token that is not accepted. The reason is not for
// the client.
var ErrInvalid = errors.New("no valid session")

// New returns sessions that last for ttl. There must be a key.
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
		// The algorithm is ours to choose, never the token's.
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
