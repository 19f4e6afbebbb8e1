package service

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Wanted is the content of the PointerKey object of a release store: the release
// that machines should run.
type Wanted struct {
	Release
	// RequestedAt is the time of the update that requested the release, in seconds
	// since 1970. A machine that refused the release tries it again after a new
	// update. 0 in a store that an older program wrote.
	RequestedAt int64
	// Command is the ReleaseCommand.Digest of the command that prepares the
	// release. It is "" for a release without a command, and for a rollback.
	Command string
	// Bake holds the watch of the release. It is zero for a release that is not
	// watched, and for a rollback.
	Bake Bake
}

// The words of a pointer after the release.
const (
	askedPrefix   = "asked="
	commandPrefix = "command="
	bakePrefix    = "bake="
)

var commandDigest = regexp.MustCompile(`^[0-9a-f]{12}$`)

// Pointer returns the content of the PointerKey object.
func (w Wanted) Pointer() string {
	line := strings.TrimSuffix(w.Release.Pointer(), "\n")
	if w.RequestedAt != 0 {
		line += " " + askedPrefix + strconv.FormatInt(w.RequestedAt, 10)
	}
	if w.Command != "" {
		line += " " + commandPrefix + w.Command
	}
	if w.Bake.On() {
		line += " " + bakePrefix + w.Bake.String()
	}
	return line + "\n"
}

// ParseWanted reads the output of Pointer. It ignores words that it does not
// know, such as those of a newer program.
func ParseWanted(s string) (Wanted, error) {
	line, complete := strings.CutSuffix(s, "\n")
	fields := strings.Split(line, " ")
	if !complete || len(fields) < 2 {
		_, err := ParsePointer(s)
		return Wanted{}, err
	}
	release, err := ParsePointer(fields[0] + " " + fields[1] + "\n")
	if err != nil {
		return Wanted{}, err
	}
	w := Wanted{Release: release}
	for _, field := range fields[2:] {
		if asked, ok := strings.CutPrefix(field, askedPrefix); ok {
			if w.RequestedAt, err = strconv.ParseInt(asked, 10, 64); err != nil || w.RequestedAt <= 0 {
				return Wanted{}, fmt.Errorf("release pointer has %.40q where a time in seconds belongs", asked)
			}
		}
		if command, ok := strings.CutPrefix(field, commandPrefix); ok {
			if w.Command = command; !commandDigest.MatchString(command) {
				return Wanted{}, fmt.Errorf("release pointer has %.40q where a command's digest belongs", command)
			}
		}
		if bake, ok := strings.CutPrefix(field, bakePrefix); ok {
			if w.Bake, err = ParseBake(bake); err != nil {
				return Wanted{}, fmt.Errorf("release pointer: %w", err)
			}
		}
	}
	return w, nil
}
