package app

import (
	"errors"
	"io"
	"net/http"
)

func home(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, "hello from escala\n") // a disconnected client is not an error
}

// echo answers with the body of the request.
func echo(w http.ResponseWriter, r *http.Request) {
	b, err := io.ReadAll(r.Body)
	if err != nil {
		bodyError(w, err)
		return
	}
	// The answer is always plain bytes: a browser must not execute a body that a
	// stranger posted.
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	_, _ = w.Write(b)
}

// bodyError answers a request whose body could not be read.
func bodyError(w http.ResponseWriter, err error) {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		http.Error(w, "the body is larger than this service takes", http.StatusRequestEntityTooLarge)
		return
	}
	http.Error(w, "the body did not arrive", http.StatusRequestTimeout)
}
