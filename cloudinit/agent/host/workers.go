package host

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"escala/cloudinit/agent"
	"escala/service"
	"escala/service/status"
)

// Workers queries the workers on their own sockets.
type Workers struct {
	Root   Root
	Config agent.Config
}

var _ agent.Workers = Workers{}

// askTimeout is the time limit for a worker's answer.
const askTimeout = 2 * time.Second

// Ask sends a request to the worker in a slot.
func (w Workers) Ask(ctx context.Context, slot int, path string) agent.Answer {
	if w.Config.Runtime == service.RuntimeNone {
		n := w.Root.readNote(slot)
		return askPort(ctx, w.Config.PortsBase+slot, path, n.Release, askTimeout)
	}
	return ask(ctx, w.Root.adminSocket(slot), path, askTimeout)
}

// Trouble reads the worker's status. It returns "" for a worker that does not
// answer.
func (w Workers) Trouble(ctx context.Context, slot int) string {
	if w.Config.Runtime == service.RuntimeNone {
		return "" // it has no such status
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://localhost/status", nil)
	if err != nil {
		return ""
	}
	resp, err := exchange(ctx, w.Root.adminSocket(slot), req)
	if err != nil {
		return ""
	}
	defer resp.Body.Close()
	var said status.Worker
	if json.NewDecoder(resp.Body).Decode(&said) != nil {
		return ""
	}
	return said.Trouble
}

// ask sends a request on a socket. It does not read the answer's body.
func ask(ctx context.Context, socket, path string, timeout time.Duration) agent.Answer {
	return askAt(ctx, "unix", socket, "localhost", path, timeout)
}

// askPort sends a request to a worker without escala's runtime, which does not
// report its release.
func askPort(ctx context.Context, port int, path string, release service.ReleaseID, timeout time.Duration) agent.Answer {
	answer := askAt(ctx, "tcp", loopbackPort(port), loopbackPort(port), path, timeout)
	if answer.Code != 0 {
		answer.Release = release
	}
	return answer
}

// loopback is the address of workers with ports of their own.
const loopback = "127.0.0.1"

func loopbackPort(port int) string { return net.JoinHostPort(loopback, strconv.Itoa(port)) }

func askAt(ctx context.Context, network, address, host, path string, timeout time.Duration) agent.Answer {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+path, nil)
	if err != nil {
		return agent.Answer{}
	}
	resp, err := exchangeOn(ctx, network, address, req)
	if err != nil {
		return agent.Answer{}
	}
	_ = resp.Body.Close()
	return agent.Answer{Code: resp.StatusCode, Release: service.ReleaseID(resp.Header.Get("X-Release"))}
}

// Memory returns the memory, in MiB, that the kernel reports as available.
func (Workers) Memory() int {
	_, free := memory()
	return int(free >> 20)
}

// Limits of the stored output of a process.
const (
	outputBytes = 16 << 10
	outputLines = 20
)

// LastLines returns the end of the worker's log.
func (w Workers) LastLines(slot int) string { return tail(w.Root.WorkerLog(slot), outputLines) }

// tail returns the end of a file, or "".
func tail(path string, lines int) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > outputBytes {
		if _, err := f.Seek(-outputBytes, io.SeekEnd); err != nil {
			return ""
		}
	}
	content, err := io.ReadAll(io.LimitReader(f, outputBytes))
	if err != nil {
		return ""
	}
	return lastLines(content, lines)
}

func lastLines(content []byte, lines int) string {
	content = bytes.TrimRight(content, "\n")
	for i, n := len(content)-1, 0; i >= 0; i-- {
		if content[i] == '\n' {
			if n++; n == lines {
				content = content[i+1:]
				break
			}
		}
	}
	return strings.ToValidUTF8(string(content), "")
}
