// Package secrets reads the values of the service's secrets from where the
// machine's cloud has them. Values are in no error and no log.
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

// Errors that a caller tells apart.
var (
	// ErrMissing is for a secret that its source does not have.
	ErrMissing = errors.New("missing")
	// ErrDenied is for secrets that the machine may not read.
	ErrDenied = errors.New("access denied")
	// ErrUnreachable is for a source that does not answer. The same call may
	// succeed later.
	ErrUnreachable = errors.New("unreachable")
)

// Source is where the secrets come from.
type Source interface {
	// Read returns all secrets or an error: never some of them.
	Read(ctx context.Context) (Values, error)
}

// Values are the secrets by the names of environment variables. Printed or
// logged they are their names.
type Values map[string]string

// String names the secrets.
func (v Values) String() string {
	return "secrets " + strings.Join(slices.Sorted(maps.Keys(v)), ", ")
}

// GoString is String.
func (v Values) GoString() string { return v.String() }

// Format is String for every verb: %v of a map would print the values.
func (v Values) Format(f fmt.State, _ rune) { fmt.Fprint(f, v.String()) }

// LogValue is String.
func (v Values) LogValue() slog.Value { return slog.StringValue(v.String()) }

// MarshalJSON refuses: no status and no report has secrets.
func (v Values) MarshalJSON() ([]byte, error) {
	return nil, errors.New("secrets are not written as JSON")
}

var variable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// check reports the first value that no environment can hold.
func (v Values) check() error {
	for _, name := range slices.Sorted(maps.Keys(v)) {
		if !variable.MatchString(name) {
			return fmt.Errorf("the secret %.80q: not the name of an environment variable", name)
		}
		if strings.ContainsRune(v[name], 0) {
			return fmt.Errorf("the secret %s has a NUL in its value, which no environment can hold", name)
		}
	}
	return nil
}
