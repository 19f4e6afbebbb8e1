// Package secrets reads the service's secrets from the store of the machine's
// cloud. Errors and logs never contain values.
package secrets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Errors that a caller distinguishes.
var (
	// ErrMissing means that the source does not have a secret.
	ErrMissing = errors.New("missing")
	// ErrDenied means that the machine may not read the secrets.
	ErrDenied = errors.New("access denied")
	// ErrUnreachable means that the source does not answer. A later call may
	// succeed.
	ErrUnreachable = errors.New("unreachable")
)

// Names of the secrets for HTTPS and for the agent. An environment variable cannot
// have such a name, so they never reach a worker's environment.
const (
	// TLSSeed is the seed of the stack's keys: 32 random bytes in hexadecimal.
	TLSSeed = "tls-seed"
	// TLSCertificate is the operator's own certificate with its key, in PEM.
	TLSCertificate = "tls-certificate"
	// Webhook is the URL that events go to.
	Webhook = "webhook-url"
)

// Source is a store of secrets.
type Source interface {
	// Read returns all secrets or an error, but never only some of them.
	Read(ctx context.Context) (Values, error)
}

// Values maps names of environment variables to secrets. Printing or logging it
// shows only the names.
type Values map[string]string

// String returns the names of the secrets.
func (v Values) String() string {
	return "secrets " + strings.Join(slices.Sorted(maps.Keys(v)), ", ")
}

// GoString returns String, so that %#v shows no values.
func (v Values) GoString() string { return v.String() }

// Format prints String for every verb: %v of a map would print the values.
func (v Values) Format(f fmt.State, _ rune) { fmt.Fprint(f, v.String()) }

// LogValue returns String, so that a log shows no values.
func (v Values) LogValue() slog.Value { return slog.StringValue(v.String()) }

// MarshalJSON always fails, so that no status or report can contain secrets.
func (v Values) MarshalJSON() ([]byte, error) {
	return nil, errors.New("secrets are not written as JSON")
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// check reports the first value that an environment cannot hold.
func (v Values) check() error {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if name == TLSSeed || name == TLSCertificate || name == Webhook {
			continue // it does not become a variable
		}
		if !variable.MatchString(name) {
			return fmt.Errorf("the secret %.80q: not the name of an environment variable", name)
		}
		if strings.ContainsRune(v[name], 0) {
			return fmt.Errorf("the secret %s has a NUL in its value, which no environment can hold", name)
		}
	}
	return nil
}
