package operate

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
)

// Run runs a program of this computer on the request's streams: ssh, or AWS' command
// line. It does not return when the context ends, because the program has the
// terminal and gets its signals.
func Run(_ context.Context, r ExecRequest, program string, args ...string) error {
	cmd := exec.Command(program, args...) //nolint:noctx // see above
	cmd.Stdout, cmd.Stderr = r.Out, r.Err
	if r.In != nil {
		cmd.Stdin = r.In
	}
	return Exit(cmd.Run(), program)
}

// Exit returns the error of a program that ran as an ExitError.
func Exit(err error, program string) error {
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() > 0 {
		return &ExitError{exit.ExitCode()}
	}
	if err != nil {
		return fmt.Errorf("running %s: %w", program, err)
	}
	return nil
}

// ShellWords returns a command in the form in which a POSIX shell reads it again.
func ShellWords(command []string) string {
	words := make([]string, len(command))
	for i, word := range command {
		if word != "" && strings.IndexFunc(word, special) < 0 {
			words[i] = word
			continue
		}
		words[i] = "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
	}
	return strings.Join(words, " ")
}

// special reports whether a character may have a meaning for a shell.
func special(r rune) bool {
	plain := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:=@%+,", r)
	return !plain
}
