// Chat is a service on escala's runtime. It has rooms of WebSockets over Redis, a
// count of visits that all workers share, a migration for each release, and a
// daily report.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/redis/go-redis/v9"

	"escala/service/cli"
	"escala/service/worker"
)

func main() {
	commands := map[string]func(context.Context, *redis.Client) error{"migrate": migrate, "report": report}
	if len(os.Args) > 1 {
		if command, ok := commands[os.Args[1]]; ok {
			os.Exit(run(command))
		}
	}
	os.Exit(cli.Main(newApp)) // serve, cluster, status, health, version
}

// newApp returns the application of a worker. The runtime adds health, readiness,
// metrics and the drain.
func newApp(_ context.Context, rt worker.Runtime) (worker.App, error) {
	mux := http.NewServeMux()
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		visits, err := rt.Redis.Incr(r.Context(), visitsKey).Result()
		if err != nil { // the page does not depend on the count
			fmt.Fprintln(w, "hello")
			return
		}
		fmt.Fprintf(w, "hello, visitor %d\n", visits)
	})
	mux.Handle("GET /ws", rt.Rooms)
	return worker.App{Handler: mux}, nil
}

// run runs one command and returns its exit status.
func run(command func(context.Context, *redis.Client) error) int {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	options, err := redis.ParseURL(os.Getenv("REDIS_URL"))
	if err == nil {
		client := redis.NewClient(options)
		defer client.Close()
		err = command(ctx, client)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", os.Args[1], err)
		return 1
	}
	return 0
}
