package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"escala/infra/testing/loadgen"
)

// settings holds the flags of the command.
type settings struct {
	options loadgen.Options
	mix     loadgen.Mix
	kept    string
	rooms   loadgen.Sockets
	json    string
}

// newCommand returns the command. Its defaults are those of package loadgen.
func newCommand() *cobra.Command {
	s := &settings{options: loadgen.NewOptions(""), mix: loadgen.NewMix(), rooms: loadgen.NewSockets()}
	s.options.Duration = 30 * time.Second
	s.kept = string(s.mix.Connections)
	s.rooms.Rooms = 0
	command := &cobra.Command{
		Use:   "load http://host:port",
		Short: "Send a steady load and count every outcome",
		Long: `Send a steady load and count every outcome.

Requests arrive at a fixed rate, however slow the answers are, and latency is
counted from the time at which a request was due. No request is sent twice.
The load ends after --duration or at Ctrl-C; requests in flight are awaited.
The status is 1 if a request failed or was not sent, if a WebSocket was closed
uncleanly or if a message was lost.`,
		Example: `  load http://127.0.0.1:8080
  load http://127.0.0.1:8080 --rate 2000 --post-share 0.5 --duration 1m
  load http://127.0.0.1:8080 --rooms 4 --json result.json`,
		Args:          cobra.ExactArgs(1),
		SilenceUsage:  true,
		SilenceErrors: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			s.options.Target = args[0]
			return s.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := command.Flags()
	f.Float64Var(&s.mix.Rate, "rate", s.mix.Rate, "quick requests per second")
	f.Float64Var(&s.mix.PostShare, "post-share", s.mix.PostShare, "share of them that are POSTs, 0 to 1")
	f.Float64Var(&s.mix.SlowRate, "slow-rate", s.mix.SlowRate, "slow requests per second, of 300 ms and of 2 s each; 0 for none")
	f.IntVar(&s.mix.BodyBytes, "body", s.mix.BodyBytes, "length of a POST's body in bytes")
	f.StringVar(&s.mix.GetPath, "get-path", s.mix.GetPath, "path of GETs")
	f.StringVar(&s.mix.EchoPath, "echo-path", s.mix.EchoPath, "path that answers a POST with its body")
	f.StringVar(&s.mix.SlowPath, "slow-path", s.mix.SlowPath, "path that takes as many milliseconds as its query ms says")
	f.StringVar(&s.kept, "connections", s.kept, "alternate, kept (keep-alive) or fresh (one per request)")
	f.IntVar(&s.options.Clients, "clients", s.options.Clients, "keep-alive connections")
	f.StringVar(&s.options.Host, "host", "", "Host header (default: the target's)")
	f.DurationVar(&s.options.Duration, "duration", s.options.Duration, "how long to send; 0: until Ctrl-C")
	f.DurationVar(&s.options.Timeout, "timeout", s.options.Timeout, "how long after its due time a request may end")
	f.IntVar(&s.options.MaxOutstanding, "max-outstanding", s.options.MaxOutstanding, "requests in flight at most")
	f.BoolVar(&s.options.AllowPublic, "allow-public", false, "permit a target that is neither loopback nor private")
	f.IntVar(&s.rooms.Rooms, "rooms", 0, "WebSocket rooms; 0 for none")
	f.IntVar(&s.rooms.ClientsPerRoom, "room-clients", s.rooms.ClientsPerRoom, "WebSocket clients in each room")
	f.DurationVar(&s.rooms.SendEvery, "room-send-every", s.rooms.SendEvery, "time between two messages of a client")
	f.StringVar(&s.rooms.Path, "room-path", s.rooms.Path, "path of the WebSocket endpoint")
	f.StringVar(&s.json, "json", "", "file to write the whole result to")
	return command
}

// run sends the load and writes the result.
func (s *settings) run(ctx context.Context, out, progress io.Writer) error {
	s.mix.Connections = loadgen.Connections(s.kept)
	s.options.Streams = s.mix.Streams()
	if s.rooms.Rooms != 0 {
		s.options.Sockets = &s.rooms
	}
	g, err := loadgen.Start(ctx, s.options)
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	watch(g, progress)
	result, err := g.Wait()
	if err != nil {
		return fmt.Errorf("run: %w", err)
	}
	if err := result.Table(out); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	if s.json != "" {
		if err := write(s.json, result); err != nil {
			return err
		}
	}
	if err := result.Clean(); err != nil {
		return fmt.Errorf("not clean:\n%w", err)
	}
	return nil
}

// watch writes a line for each second in which requests failed.
func watch(g *loadgen.Generator, out io.Writer) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	last := g.Snapshot()
	for {
		select {
		case <-g.Done():
			return
		case <-tick.C:
		}
		now := g.Snapshot()
		if since := now.Since(last); since.Failed+since.Unsent > 0 {
			_, _ = fmt.Fprintf(out, "%s: %d ok, %d failed %v, %d not sent\n", // progress output only
				now.At.Format(time.TimeOnly), since.OK, since.Failed, since.Kinds, since.Unsent)
		}
		last = now
	}
}

// write stores the result as JSON.
func write(path string, result *loadgen.Result) error {
	text, err := json.MarshalIndent(result, "", "  ")
	if err != nil {
		return fmt.Errorf("encode result: %w", err)
	}
	if err := os.WriteFile(path, append(text, '\n'), 0o644); err != nil {
		return fmt.Errorf("write result: %w", err)
	}
	return nil
}
