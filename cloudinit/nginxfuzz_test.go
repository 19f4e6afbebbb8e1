package cloudinit

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"escala/service"
)

// FuzzNginx checks that Nginx stays safe with arbitrary bytes. The service must
// never get a request with forged headers about a client, with two lengths, or with
// an invalid host. One request must never become two (a request that is hidden in
// another's body).
func FuzzNginx(f *testing.F) {
	for _, seed := range []string{
		"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET http://other:81/ HTTP/1.1\r\nHost: x:80\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n0\r\n\r\nGET /hidden HTTP/1.1\r\nHost: x\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-Real-Ip: mine\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: mine\r\nForwarded: mine\r\nX_Real_IP: mine\r\nTrue-Client-IP: mine\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
		"GET / HTTP/1.1\r\nHost: x:99999:1\r\nConnection: X-Real-IP, close\r\n\r\n",
		"GET /a%2f..%2fb?\x7f HTTP/1.1\r\nHost: [::1]:8080\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
	} {
		f.Add([]byte(seed))
	}
	var mu sync.Mutex
	requests, wrong := 0, ""
	address, log := startLogging(f, service.NewSpec(), func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		requests++
		complain := func(format string, args ...any) { wrong += fmt.Sprintf(format, args...) + "\n" }
		for _, name := range removedClaims() {
			if v := r.Header[name]; v != nil {
				complain("%s: %q", name, v)
			}
		}
		for _, name := range service.MachineClaims {
			if v := r.Header[name]; len(v) != 1 {
				complain("%s: %q", name, v)
			}
		}
		if r.Header.Get("X-Real-Ip") != "127.0.0.1" || r.Header.Get("X-Forwarded-For") != "127.0.0.1" || r.Header.Get("X-Forwarded-Proto") != "http" {
			complain("the client is %v", r.Header)
		}
		if r.Host == "" || r.Host != r.Header.Get("X-Forwarded-Host") || strings.ContainsAny(r.Host, "/@ \t") {
			complain("the host is %q, or %q", r.Host, r.Header.Get("X-Forwarded-Host"))
		}
		if len(r.TransferEncoding) > 0 && r.ContentLength >= 0 {
			complain("two lengths: %v and %d", r.TransferEncoding, r.ContentLength)
		}
		_, _ = io.Copy(io.Discard, r.Body)
	})
	lines, err := os.Open(log)
	if err != nil {
		f.Fatal(err)
	}
	defer lines.Close()
	passed := 0 // what Nginx has passed on, by its own log
	count := func() (nginx, upstream int) {
		b, _ := io.ReadAll(lines) // less than there is makes it fail
		passed += bytes.Count(b, []byte(" upstream=unix:"))
		mu.Lock()
		defer mu.Unlock()
		return passed, requests
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		c, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		_ = c.SetWriteDeadline(time.Now().Add(2 * time.Second))
		_, _ = c.Write(in)
		for b := make([]byte, 64<<10); ; {
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
			if _, err := c.Read(b); err != nil {
				break
			}
		}
		_ = c.Close()
		for end := time.Now().Add(5 * time.Second); ; time.Sleep(time.Millisecond) {
			nginx, upstream := count()
			if upstream <= nginx {
				break
			}
			if time.Now().After(end) {
				t.Fatalf("%q: Nginx has passed on %d requests, and the service got %d", in, nginx, upstream)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		if wrong != "" {
			t.Fatalf("%q reaches the service as\n%s", in, wrong)
		}
	})
}
