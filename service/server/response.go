package server

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// response records the status of an answer. If the worker is draining, it asks
// the client to close the connection. It does so at the last moment before the
// header is sent, so that requests from before the drain are included. It is not
// pooled, because a handler's leaked goroutine could then write into another
// client's answer.
type response struct {
	http.ResponseWriter
	server *Server
	// id identifies the request in its answer and in log lines. idLine is the
	// header's value.
	id     string
	idLine [1]string
	// stream is nil for HTTP/1.
	stream *stream
	// status is 0 until the header is sent.
	status int
	// late reports that the handler failed after the header was sent.
	late bool
	// replaced reports that the header was too large, and that another answer
	// was sent in its place.
	replaced bool
}

// Unwrap returns the inner writer for http.ResponseController.
func (w *response) Unwrap() http.ResponseWriter { return w.ResponseWriter }

func (w *response) commit(status int) {
	if w.status != 0 {
		return
	}
	if headerSize(w.Header()) > w.server.Config.HTTP.MaxResponseHeaderBytes {
		w.replace()
		return
	}
	w.status = status
	if status != http.StatusSwitchingProtocols && w.server.draining.Load() {
		w.server.closing(w.Header())
	}
}

// WriteHeader sends the header. Informational headers (103) do not count.
func (w *response) WriteHeader(status int) {
	if status >= 200 || status == http.StatusSwitchingProtocols {
		w.commit(status)
	}
	if !w.replaced {
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write sends the header with status 200 if none has been sent.
func (w *response) Write(p []byte) (int, error) {
	w.commit(http.StatusOK)
	switch {
	case w.replaced:
		return 0, errHeaderTooLarge
	case w.stream != nil:
		return w.stream.writeTo(w.ResponseWriter, p)
	}
	return w.ResponseWriter.Write(p)
}

// WriteString avoids a copy of the string.
func (w *response) WriteString(s string) (int, error) {
	w.commit(http.StatusOK)
	if w.replaced || w.stream != nil {
		return w.Write([]byte(s))
	}
	return io.WriteString(w.ResponseWriter, s)
}

// ReadFrom keeps sendfile working.
func (w *response) ReadFrom(r io.Reader) (int64, error) {
	w.commit(http.StatusOK)
	if w.replaced || w.stream != nil {
		return io.Copy(struct{ io.Writer }{w}, r)
	}
	return io.Copy(w.ResponseWriter, r)
}

// Flush sends the buffered bytes.
func (w *response) Flush() {
	w.commit(http.StatusOK)
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// Hijack hands the connection over, for instance to a WebSocket.
func (w *response) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	if w.replaced {
		return nil, nil, errHeaderTooLarge
	}
	nc, rw, err := http.NewResponseController(w.ResponseWriter).Hijack()
	if err == nil && w.status == 0 {
		w.status = http.StatusSwitchingProtocols
	}
	return nc, rw, err
}
