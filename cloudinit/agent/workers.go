package agent

import (
	"context"

	"escala/service"
)

// Answer is a worker's answer.
type Answer struct {
	// Code is the HTTP status; 0 if there is no answer.
	Code int
	// Release is the release that the worker reports.
	Release service.ReleaseID
}

// Workers are the processes that serve requests.
type Workers interface {
	// Ask sends a request to the worker in a slot, on its own socket.
	Ask(ctx context.Context, slot int, path string) Answer
	// Trouble returns the current failure of a dependency of the worker in a
	// slot, as the worker reports it; "" for none.
	Trouble(ctx context.Context, slot int) string
	// Try starts a release beside the workers, on its own sockets. Only the
	// caller can reach it. It dies with the agent. program is the release's
	// binary, or the folder of its files.
	Try(ctx context.Context, program string) (Preflight, error)
	// Memory is the memory that is available for further workers, in MiB.
	Memory() int
	// LastLines returns the last output of the worker in a slot.
	LastLines(slot int) string
}

// Preflight is a release that is being tried.
type Preflight interface {
	// AskAdmin sends a request to the admin socket. Ask sends it to the socket
	// for clients.
	AskAdmin(ctx context.Context, path string) Answer
	Ask(ctx context.Context, path string) Answer
	// Ended returns the exit status once the process has ended.
	Ended() (status int, ended bool)
	Terminate()
	// Close kills the process if it runs, and removes its files.
	Close()
	// LastLines returns the last output of the process.
	LastLines() string
}
