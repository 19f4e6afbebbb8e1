// Command release simulates a service in the tests of the agent. It is the
// smallest program that follows a worker's contract.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// variant makes releases differ: the last line of the program's file, which a test
// adds to the linked program.
var variant string

func main() {
	self, err := os.ReadFile("/proc/self/exe")
	must(err)
	variant = string(self[bytes.LastIndexByte(self, '\n')+1:])
	switch variant {
	case "exits":
		os.Stderr.WriteString("no such luck\n")
		os.Exit(7)
	case "never-ready":
		time.Sleep(time.Hour)
	}
	hash := sha256.Sum256(self)
	release := hex.EncodeToString(hash[:])

	var listener net.Listener
	if path, ok := strings.CutPrefix(os.Getenv("LISTEN"), "unix:"); ok {
		listener, err = net.Listen("unix", path)
	} else if variant == "fails-as-worker" {
		// The program passes its preflight, but fails on the shared socket.
		os.Stderr.WriteString("cannot use the shared socket\n")
		os.Exit(8)
	} else if os.Getenv("LISTEN") == "fd:0" {
		listener, err = net.FileListener(os.Stdin)
	} else {
		listener, err = net.Listen("tcp", net.JoinHostPort(os.Getenv("HOST"), os.Getenv("PORT")))
	}
	must(err)
	_ = os.Remove(os.Getenv("ADMIN_SOCKET"))
	admin, err := net.Listen("unix", os.Getenv("ADMIN_SOCKET"))
	must(err)
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Release", release)
		if variant == "lies" {
			w.Header().Set("X-Release", strings.Repeat("0", 64))
		}
		if r.URL.Path == "/metrics" {
			_, _ = io.WriteString(w, "# TYPE service_release_info gauge\nservice_release_info{release=\""+release+"\"} 1\n")
			return
		}
		// A test can change the machine while the release runs.
		if _, err := os.Stat(os.Getenv("UNREADY_FILE")); err == nil && r.URL.Path == os.Getenv("READY_PATH") {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		for _, entry := range os.Environ() {
			w.Header().Add("X-Environment", strconv.Quote(entry))
		}
		if variant == "unhealthy" && r.URL.Path == os.Getenv("HEALTH_PATH") {
			w.WriteHeader(http.StatusInternalServerError)
		}
	})
	// The handler is set before the first answer, because a client that sees
	// the process ready may tell it to end.
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM)
	server := &http.Server{Handler: answer, ReadHeaderTimeout: time.Second}
	go func() { _ = http.Serve(admin, answer) }()
	go func() { _ = server.Serve(listener) }()
	<-signals
	if variant == "hangs" {
		time.Sleep(time.Hour)
	}
	// One request at a time needs no more than this.
	_ = listener.Close()
	time.Sleep(50 * time.Millisecond)
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
