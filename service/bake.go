package service

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Bake is the time after a release in which its answers are watched: by the machine
// itself, and on clusters by the update. The previous release serves again if the new
// one fails more often.
type Bake struct {
	// Time is the duration of the watch. Default 0: the release is not watched.
	Time time.Duration `config:"bake"`
	// Errors is a share of answers with status 500 or above. A release whose
	// share is not above it is never taken back. Default "1%".
	Errors string `config:"bakeErrors"`
}

// NewBake returns the defaults.
func NewBake() Bake { return Bake{Errors: "1%"} }

// On reports whether Time is set.
func (b Bake) On() bool { return b.Time > 0 }

// Limits of Bake.Time.
const (
	minBake = 10 * time.Second
	// MaxBake is the longest time. A machine keeps its counts of the previous
	// release's answers for at least as long.
	MaxBake = time.Hour
)

// share matches a percentage with up to two decimals.
var share = regexp.MustCompile(`^(\d{1,3}(?:\.\d{1,2})?)%$`)

// Limit returns Errors as a number from 0 to 1.
func (b Bake) Limit() (float64, error) {
	m := share.FindStringSubmatch(b.Errors)
	if m == nil {
		return 0, fmt.Errorf("%q is not a percentage with at most two digits after the point; for example \"1%%\"", b.Errors)
	}
	percent, err := strconv.ParseFloat(m[1], 64)
	if err != nil || percent > 100 {
		return 0, fmt.Errorf("%q is more than 100%%", b.Errors)
	}
	return percent / 100, nil
}

// bakeSeparator separates the time from the share in a bake's text.
const bakeSeparator = ","

// String returns the bake in the form that ParseBake reads: "2m0s,1%".
func (b Bake) String() string { return b.Time.String() + bakeSeparator + b.Errors }

// ParseBake reads the output of Bake.String.
func ParseBake(s string) (Bake, error) {
	text, errors, _ := strings.Cut(s, bakeSeparator)
	d, err := time.ParseDuration(text)
	b := Bake{Time: d, Errors: errors}
	if err == nil && (d < minBake || d > MaxBake) {
		err = fmt.Errorf("%s is not from %s to %s", d, minBake, MaxBake)
	}
	if err == nil {
		_, err = b.Limit()
	}
	if err != nil {
		return Bake{}, fmt.Errorf("reading the bake %.40q: %w", s, err)
	}
	return b, nil
}

func (b Bake) check(v *Violations) {
	if !b.On() && b.Time == 0 {
		if b.Errors != NewBake().Errors && b.Errors != "" {
			v.Add("release.bakeErrors", "is set, but there is no service.release.bake")
		}
		return
	}
	if b.Time < minBake || b.Time > MaxBake || b.Time%time.Second != 0 {
		v.Add("release.bake", "%s is not a whole number of seconds from %s to %s", b.Time, minBake, MaxBake)
	}
	if _, err := b.Limit(); err != nil {
		v.Add("release.bakeErrors", "%s", err)
	}
}
