package server

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestEveryAnswerNamesWorkerAndRequestOnce checks the headers for any handler and
// any body. The exception is an answer of net/http itself to an invalid request:
// it does not name the worker.
func TestEveryAnswerNamesWorkerAndRequestOnce(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("HTTP/1.1 200 OK\r\n", 1000) // looks like an answer's first line
	_, address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/hints":
			w.WriteHeader(http.StatusEarlyHints)
			w.WriteHeader(http.StatusTeapot)
		case "/chunks":
			for range 3 {
				_, _ = io.WriteString(w, body)
				w.(http.Flusher).Flush()
			}
		case "/echo":
			_, _ = io.Copy(w, r.Body)
		case "/panic":
			panic("oops")
		case "/silent":
		default:
			_, _ = io.WriteString(w, body)
		}
	}, map[string]string{"WORKER": "4", "HTTP_MAX_HEADER_BYTES": "8192"})
	tests := []struct {
		name, request string
		status        int
		body          string
		noID          bool
	}{
		{"large", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 200, body, false},
		{"HTTP/1.0", "GET / HTTP/1.0\r\n\r\n", 200, body, false},
		{"empty", "GET /silent HTTP/1.1\r\nHost: x\r\n\r\n", 200, "", false},
		{"head", "GET /silent HTTP/1.1\r\nHost: x\r\n\r\n", 200, "", false},
		{"in chunks", "GET /chunks HTTP/1.1\r\nHost: x\r\n\r\n", 200, body + body + body, false},
		{"panic", "GET /panic HTTP/1.1\r\nHost: x\r\n\r\n", 500, "Internal Server Error\n", false},
		{"health", "GET /health HTTP/1.1\r\nHost: x\r\n\r\n", 200, "ok", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, got := ask(t, address, tt.request)
			assert.Equal(t, tt.status, res.StatusCode)
			assert.Equal(t, tt.body, got)
			assert.Equal(t, []string{testRelease}, res.Header["X-Release"])
			assert.Equal(t, []string{"4"}, res.Header["X-Worker"])
			assert.Equal(t, tt.noID, res.Header.Get("X-Request-Id") == "")
		})
	}
	refused := []struct {
		name, request string
		status        int
		body          string
	}{
		{"malformed", "GET / HTTP/1.1\r\nHost: x\r\nno colon\r\n\r\n", 400, "400 Bad Request"},
		{"no host", "GET / HTTP/1.1\r\n\r\n", 400, "400 Bad Request: missing required Host header"},
		{"header too large", "GET / HTTP/1.1\r\nHost: x\r\nA: " + strings.Repeat("a", 20_000) + "\r\n\r\n", 431, "431 Request Header Fields Too Large"},
		{"expectation", "POST /echo HTTP/1.1\r\nHost: x\r\nExpect: magic\r\n\r\n", 417, ""},
	}
	for _, tt := range refused {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res, got := ask(t, address, tt.request)
			assert.Equal(t, tt.status, res.StatusCode)
			assert.Equal(t, tt.body, got)
			assert.Empty(t, res.Header["X-Request-Id"])
		})
	}
	t.Run("after other responses on one connection", func(t *testing.T) {
		t.Parallel()
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
		r := bufio.NewReader(c)
		seen := map[string]bool{}
		for range 3 {
			res, _ := askOn(t, c, r, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			assert.Equal(t, []string{testRelease}, res.Header["X-Release"])
			seen[res.Header.Get("X-Request-Id")] = true
			res, _ = askOn(t, c, r, "GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
			assert.Empty(t, res.Header["X-Request-Id"], "not that of the request before")
		}
		assert.Len(t, seen, 3)
		res, _ := askOn(t, c, r, "more nonsense\r\n\r\n")
		assert.Equal(t, 400, res.StatusCode)
		assert.Empty(t, res.Header["X-Request-Id"], "not that of the request before")
	})
	t.Run("hints before the response", func(t *testing.T) {
		t.Parallel()
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
		r := bufio.NewReader(c)
		hint, _ := askOn(t, c, r, "GET /hints HTTP/1.1\r\nHost: x\r\n\r\n")
		assert.Equal(t, http.StatusEarlyHints, hint.StatusCode)
		res, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		defer res.Body.Close()
		assert.Equal(t, http.StatusTeapot, res.StatusCode)
		assert.Equal(t, []string{testRelease}, res.Header["X-Release"])
	})
	t.Run("pipelined", func(t *testing.T) {
		t.Parallel()
		c, err := net.Dial("tcp", address)
		require.NoError(t, err)
		defer c.Close()
		r := bufio.NewReader(c)
		one := "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
		first, body := askOn(t, c, r, one+one)
		assert.Equal(t, "abc", body)
		assert.Equal(t, []string{testRelease}, first.Header["X-Release"])
		res, err := http.ReadResponse(r, nil)
		require.NoError(t, err)
		second, body, err := replied(res)
		require.NoError(t, err)
		assert.Equal(t, "abc", body)
		assert.Equal(t, []string{testRelease}, second.Header["X-Release"])
		assert.NotEqual(t, first.Header["X-Request-Id"], second.Header["X-Request-Id"])
	})
}

// TestTheServicesOwnLimitOfAnAnswersHeaderComesFirst checks that the worker
// refuses a large header before its proxy does, whichever way the handler
// answers.
func TestTheServicesOwnLimitOfAnAnswersHeaderComesFirst(t *testing.T) {
	t.Parallel()
	const limit = 4096
	ended := make(chan error, 16)
	_, address, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Set-Cookie", strings.Repeat("c", map[string]int{"/small": limit - 600, "/none": limit, "/early": limit, "/write": limit, "/copy": limit, "/flush": limit, "/hijack": limit}[r.URL.Path]))
		var err error
		switch r.URL.Path {
		case "/none":
		case "/early":
			w.WriteHeader(http.StatusTeapot)
			_, err = io.WriteString(w, "secret")
		case "/copy":
			_, err = io.Copy(w, strings.NewReader("secret"))
		case "/flush":
			w.(http.Flusher).Flush()
			_, err = w.Write([]byte("secret"))
		case "/hijack":
			w.WriteHeader(http.StatusSwitchingProtocols)
			_, _, err = http.NewResponseController(w).Hijack()
		default:
			_, err = w.Write([]byte("body"))
		}
		ended <- err
	}, map[string]string{"HTTP_MAX_RESPONSE_HEADER_BYTES": "4096"})

	res, got := ask(t, address, "GET /small HTTP/1.1\r\nHost: x\r\n\r\n")
	assert.Equal(t, http.StatusOK, res.StatusCode)
	assert.Equal(t, "body", got)
	require.NoError(t, <-ended)
	for _, path := range []string{"/none", "/early", "/write", "/copy", "/flush", "/hijack"} {
		res, got := ask(t, address, "GET "+path+" HTTP/1.1\r\nHost: x\r\n\r\n")
		assert.Equal(t, http.StatusInternalServerError, res.StatusCode, path)
		assert.Equal(t, "Internal Server Error\n", got, path)
		assert.Empty(t, res.Header["Set-Cookie"], path)
		assert.Equal(t, []string{testRelease}, res.Header["X-Release"], path)
		assert.NotEmpty(t, res.Header.Get("X-Request-Id"), path)
		if err := <-ended; path != "/none" {
			require.ErrorIs(t, err, errHeaderTooLarge, path)
		}
	}
}
