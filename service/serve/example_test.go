package serve_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"escala/service"
	"escala/service/serve"
)

// Serve drains and returns when its context ends, here by a signal.
func ExampleServe() {
	dir, err := os.MkdirTemp("", "serve")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "api.sock")
	os.Setenv(service.EnvListen, "unix:"+socket)
	defer os.Unsetenv(service.EnvListen)
	os.Setenv("LOG_LEVEL", "error")
	defer os.Unsetenv("LOG_LEVEL")

	answering := make(chan struct{})
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(answering)
		time.Sleep(50 * time.Millisecond) // a request that is in flight when the signal comes
		fmt.Fprintln(w, "hello")
	})

	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- serve.Serve(ctx, handler) }()

	for { // wait until it listens, which is a moment after the socket is there
		if conn, err := net.Dial("unix", socket); err == nil {
			conn.Close()
			break
		}
		time.Sleep(time.Millisecond)
	}
	client := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	go func() {
		<-answering
		_ = syscall.Kill(os.Getpid(), syscall.SIGTERM)
	}()
	response, err := client.Get("http://api/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	fmt.Print(string(body))
	fmt.Println(err, <-ended)
	// Output:
	// hello
	// <nil> <nil>
}

// An application may open its dependencies before the first request, report that
// it is not ready, and close its dependencies after the last request.
func ExampleApp_Serve() {
	app := serve.App{
		Handler: http.NotFoundHandler(),
		Start:   func(context.Context) error { return fmt.Errorf("the database refuses: %w", os.ErrPermission) },
	}
	os.Setenv(service.EnvPort, "0")
	defer os.Unsetenv(service.EnvPort)
	os.Setenv("LOG_LEVEL", "error")
	defer os.Unsetenv("LOG_LEVEL")
	stdout := os.Stdout
	os.Stdout, _ = os.Open(os.DevNull) // hides the log
	err := app.Serve(context.Background())
	os.Stdout = stdout
	fmt.Println(err)
	// Output:
	// starting the application: the database refuses: permission denied
}
