package server

import (
	"errors"
	"log/slog"
	"net/http"

	"escala/service"
)

// errHeaderTooLarge is the error of writes after the handler's header was
// refused.
var errHeaderTooLarge = errors.New("the header of the answer was too large, so another answer was sent")

// ownHeaderBytes is an upper limit of the bytes that net/http adds to the
// handler's header: the status line, Date, Content-Type, Content-Length or
// Transfer-Encoding, Connection.
const ownHeaderBytes = 256

// headerSize returns an upper limit of the size of a header on the wire.
func headerSize(h http.Header) int {
	n := ownHeaderBytes
	for name, values := range h {
		for _, value := range values {
			n += len(name) + len(": \r\n") + len(value)
		}
	}
	return n
}

// replace answers 500 in place of a header that the proxy would refuse. Nginx
// would answer 502 and not tell the operator which handler was responsible.
func (w *response) replace() {
	h := w.Header()
	size := headerSize(h)
	for name := range h {
		switch name {
		case "X-Release", "X-Worker", "X-Request-Id":
		default:
			delete(h, name)
		}
	}
	limit := w.server.Config.HTTP.MaxResponseHeaderBytes
	w.server.Log.Error("the header of an answer is too large; limits.responseHeaderKiB sets the limit",
		slog.Int("bytes", size), slog.Int("limit", limit), slog.String("variable", service.EnvMaxResponseHeader), slog.String("request_id", w.id))
	w.status = http.StatusInternalServerError
	if w.server.draining.Load() {
		w.server.closing(h)
	}
	http.Error(w.ResponseWriter, http.StatusText(w.status), w.status)
	w.replaced = true
}
