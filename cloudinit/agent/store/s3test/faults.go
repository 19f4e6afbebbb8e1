package s3test

import (
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

// Times lets fault answer n requests and no more.
func Times(n int32, fault Fault) Fault {
	var answered atomic.Int32
	return func(w http.ResponseWriter, r *http.Request) bool {
		return answered.Add(1) <= n && fault(w, r)
	}
}

// write sends b at once. A client that is gone has had enough.
func write(w http.ResponseWriter, b []byte) {
	if _, err := w.Write(b); err == nil {
		w.(http.Flusher).Flush()
	}
}

// Refuse answers with an error of S3.
func Refuse(status int, code, message string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		Error(w, status, code, message)
		return true
	}
}

// Cut promises whole and breaks the connection after sent.
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

// Endless answers 200 with content again and again, until the client goes.
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

// Slow answers content in pieces of n bytes with a pause before each.
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

// Redirect answers with another place.
func Redirect(status int, to string) Fault {
	return func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Location", to)
		Error(w, status, "PermanentRedirect", "The bucket you are attempting to access must be addressed using the specified endpoint.")
		return true
	}
}
