package agent

import (
	"context"

	"escala/service"
)

// Answer is what a worker answers.
type Answer struct {
	// Code is the HTTP status; 0 where there is no answer.
	Code int
	// Release is the release that the worker says it runs.
	Release service.ReleaseID
}

// Workers are the processes that serve.
type Workers interface {
	// Ask asks the worker in a slot, on its own socket.
	Ask(ctx context.Context, slot int, path string) Answer
	// Try starts a release beside the workers, on sockets of its own. Nothing
	// reaches it but the caller. It dies with the agent.
	Try(ctx context.Context, binary string) (Trial, error)
	// Memory is what is available for further workers, in MiB.
	Memory() int
	// LastLines is the end of what the worker in a slot printed.
	LastLines(slot int) string
}

// Trial is a release that is being tried.
type Trial interface {
	// AskAdmin asks on the socket that is the worker's own, Ask on the one that
	// it serves on.
	AskAdmin(ctx context.Context, path string) Answer
	Ask(ctx context.Context, path string) Answer
	// Ended returns the exit status once the process has ended.
	Ended() (status int, ended bool)
	Terminate()
	// Close kills the process, if it is there, and removes what it leaves.
	Close()
	// LastLines is the end of what it printed.
	LastLines() string
}
