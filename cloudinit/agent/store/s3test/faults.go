package s3test

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Times applies fault to the first n requests.
func Times(n int32, fault Fault) Fault {
	var answered atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) bool {
		return answered.Add(1) <= n && fault(w, r)
	}
}

// write sends b at once. It ignores the error of a client that has
// disconnected.
func write(w http.ResponseWriter, b []byte) {
	if _, err := w.Write(b); err == nil {
		w.(http.Flusher).Flush()
	}
}

// Refuse answers with an S3 error.
func Refuse(status int, code, message string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		Error(w, status, code, message)
		return true
	}
}

// Cut announces the length of whole, sends only sent, and breaks the
// connection.
func Cut(whole, sent []byte) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Length", strconv.Itoa(len(whole)))
		write(w, sent)
		panic(http.ErrAbortHandler)
	}
}

// Answer answers 200 with content.
func Answer(content []byte) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		write(w, content)
		return true
	}
}

// Endless answers 200 and repeats content until the client disconnects.
func Endless(content []byte) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		for r.Context().Err() == nil {
			if _, err := w.Write(content); err != nil {
				break
			}
		}
		return true
	}
}

// Slow sends content in pieces of n bytes, with a pause before each.
func Slow(content []byte, n int, pause time.Duration) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Length", strconv.Itoa(len(content)))
		for len(content) > 0 {
			timer := time.NewTimer(pause)
			select {
			case <-r.Context().Done():
				timer.Stop()
				return true
			case <-timer.C:
			}
			piece := content[:min(n, len(content))]
			content = content[len(piece):]
			write(w, piece)
		}
		return true
	}
}

// Redirect answers with a redirect to another URL.
func Redirect(status int, to string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Location", to)
		Error(w, status, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.")
		return true
	}
}
