package session_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"escala/service/session"
	"escala/service/session/keys"
)

// Keys are rotated in steps, so that workers of two releases accept each
// other's sessions. A new key is first accepted and signs one release later.
// The old key is removed once its last session has ended.
func ExampleSessions() {
	k1 := "k1:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("1"), 32))
	k2 := "k2:" + base64.StdEncoding.EncodeToString(bytes.Repeat([]byte("2"), 32))
	open := func(setting string) *session.Sessions {
		k, err := keys.Parse(setting)
		if err != nil {
			panic(err)
		}
		return session.New(k, 15*time.Minute)
	}
	before, accepts, signs, after := open(k1), open(k1+","+k2), open(k2+","+k1), open(k2)

	old, _, _ := before.Issue("ana")
	s, err := signs.Verify(old)
	fmt.Println(s.Subject, err)

	next, _, _ := signs.Issue("ana")
	s, err = accepts.Verify(next)
	fmt.Println(s.Subject, err)

	_, err = after.Verify(old)
	fmt.Println(errors.Is(err, session.ErrInvalid))
	// Output:
	// ana <nil>
	// ana <nil>
	// true
}
