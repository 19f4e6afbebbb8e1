package worker_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"escala/service"
	"escala/service/worker"
)

// newApp returns the only part that a service must provide: a handler. The worker
// provides health, readiness, metrics and the drain.
func newApp(_ context.Context, rt worker.Runtime) (worker.App, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /hello", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "hello", rt.Getenv("WHO"))
	})
	return worker.App{Handler: mux}, nil
}

// A worker serves until its context ends, for example by a signal. Then it
// drains: Run returns nil once every request has its answer. The second context
// ends the drain at once, for example by a second signal.
func ExampleRun() {
	dir, err := os.MkdirTemp("", "worker")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "api.sock")
	env := map[string]string{service.EnvListen: "unix:" + socket, "WHO": "world"}

	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- worker.Run(ctx, context.Background(), func(name string) string { return env[name] }, io.Discard, newApp)
	}()

	client := &http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	get := func(path string) (string, error) {
		response, err := client.Get("http://api" + path)
		if err != nil {
			return "", err
		}
		defer response.Body.Close()
		body, err := io.ReadAll(response.Body)
		return string(body), err
	}
	for { // wait until the worker listens
		if _, err := get("/ready"); err == nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	answer, err := get("/hello")
	fmt.Print(answer)

	client.CloseIdleConnections() // otherwise the drain would wait for the idle connections
	stop()
	fmt.Println(err, <-ended)
	// Output:
	// hello world
	// <nil> <nil>
}
