package loadgen

import (
	"context"
	"errors"
	"io"
	"net"
	"syscall"
)

// Kind is the kind of a request's outcome.
type Kind string

const (
	// OK is the expected status with the expected body.
	OK Kind = "ok"
	// BadStatus is a complete answer with an unexpected status.
	BadStatus Kind = "status"
	// BadBody is an answer with the expected status and an unexpected or too
	// large body.
	BadBody Kind = "body"
	// Malformed is an answer that is not HTTP.
	Malformed Kind = "malformed"
	// Refused is a connection attempt that was refused.
	Refused Kind = "refused"
	// Reset is a connection that the other side reset (RST), at any time.
	Reset Kind = "reset"
	// EOF is a connection that the other side closed instead of answering.
	EOF Kind = "eof"
	// Truncated is a connection that the other side closed in the middle of
	// its answer.
	Truncated Kind = "truncated"
	// Timeout is an answer that was not complete before the timeout.
	Timeout Kind = "timeout"
	// Other is any other failure. Result.Failures has its text.
	Other Kind = "other"

	// Shed is an arrival that was not sent because MaxOutstanding requests were
	// in flight. The service was not asked, but it is not a success.
	Shed Kind = "shed"
	// Local is an arrival that was not sent because this machine had no ports,
	// file descriptors or time left. It is not evidence about the service.
	Local Kind = "local"
)

// unsent reports whether the generator, not the service, is the reason that the
// request was not sent.
func (k Kind) unsent() bool { return k == Shed || k == Local }

// errMalformed marks answers that are not HTTP.
var errMalformed = errors.New("malformed answer")

// kindOf maps a network error to a kind.
func kindOf(err error) Kind {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return Refused
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return Reset
	case isTimeout(err), errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case errors.Is(err, syscall.EADDRNOTAVAIL), errors.Is(err, syscall.EADDRINUSE),
		errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return Local
	case errors.Is(err, io.ErrUnexpectedEOF):
		return Truncated
	case errors.Is(err, io.EOF):
		return EOF
	case errors.Is(err, errMalformed):
		return Malformed
	}
	return Other
}

// isTimeout reports whether a connection's deadline or a timeout of the kernel
// expired.
func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}
