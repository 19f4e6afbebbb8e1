package service

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// ReleaseCommand is the command that prepares a release, such as a migration of
// its database. It runs once for each release before the release's first worker:
// on a machine after the preflight, in a cluster as a Job. It runs as the
// service's user with the service's environment and secrets. If it fails, the
// release is refused.
type ReleaseCommand struct {
	// Command is the command and its arguments: [api, migrate]. The service's
	// name as the first word is the service's own program. Default none.
	Command []string `config:"command"`
	// Timeout is the time after which the command is killed. Default 5 min.
	Timeout time.Duration `config:"timeout"`
}

// NewReleaseCommand returns the defaults.
func NewReleaseCommand() ReleaseCommand { return ReleaseCommand{Timeout: 5 * time.Minute} }

// Set reports whether there is a command.
func (c ReleaseCommand) Set() bool { return len(c.Command) > 0 }

// digestLength is the number of hexadecimal digits of a command's digest.
const digestLength = 12

// Digest identifies the command. A changed command has another digest and runs
// again for the same release. Digest returns "" if there is no command.
func (c ReleaseCommand) Digest() string {
	if !c.Set() {
		return ""
	}
	sum := sha256.Sum256([]byte(strings.Join(c.Command, "\x00")))
	return hex.EncodeToString(sum[:])[:digestLength]
}

// String returns the command for people.
func (c ReleaseCommand) String() string { return "[" + strings.Join(c.Command, " ") + "]" }

func (s Spec) checkReleaseCommand(v *Violations) {
	c := s.ReleaseCommand
	if !c.Set() {
		if c.Timeout != 0 && c.Timeout != NewReleaseCommand().Timeout {
			v.Add("release.timeout", "is set, but there is no service.release.command")
		}
		return
	}
	s.checkArguments(v, "release.command", c.Command)
	if c.Timeout < time.Second || c.Timeout%time.Second != 0 {
		v.Add("release.timeout", "%s is not a whole number of seconds from 1s", c.Timeout)
	}
}

// checkArguments checks a command of the service other than its start command. It
// may start the service's own program by the service's name, a file of the
// release, or a program of the machine.
func (s Spec) checkArguments(v *Violations, key string, command []string) {
	for _, arg := range command {
		if strings.ContainsRune(arg, 0) {
			v.Add(key, "%q has a NUL, which no argument can have", arg)
		}
	}
	switch name := command[0]; {
	case s.IsOwnBinary(command):
	case strings.Contains(name, "/"):
		if !local(name) {
			v.Add(key, "%q is not a file of the release; for example \"./migrate\"", name)
		}
	case !programName.MatchString(name):
		v.Add(key, "%q is not the name of a program", name)
	case !slices.Contains(debianPrograms, name) && len(s.Packages) == 0:
		v.Add(key, "%q is neither the service's own program%s nor on a Debian 12 machine, which has %s: name the package that has it in service.packages, or start a file of the release (\"./%s\")",
			name, s.ownName(), strings.Join(debianPrograms, ", "), name)
	}
}

// ownName returns the name of the service's own binary for an error: " (api)", or
// "" if the service has none.
func (s Spec) ownName() string {
	if !s.OwnBinary() {
		return ""
	}
	return " (" + s.Name + ")"
}

// OwnBinary reports whether a release has a built program with the service's
// name.
func (p Program) OwnBinary() bool { return p.Folder == "" }

// IsOwnBinary reports whether a command starts the service's own program by its
// name.
func (s Spec) IsOwnBinary(command []string) bool {
	return s.OwnBinary() && len(command) > 0 && (command[0] == s.Name || command[0] == "./"+s.Name)
}
