package agent

import (
	"context"
	"fmt"
	"time"

	"escala/cloudinit/agent/request"
)

// A cloud may change the address that a machine's outgoing connections come from.
// On EC2 the machine's first public address is taken away when the stack's Elastic
// IP moves to it ("Elastic IP addresses", elastic IP address basics). Connections
// that were opened before then get no answer and no reset, for example those to a
// database outside of the network: a request hangs until a timeout. So the agent
// replaces all workers and the processes beside them, one after the other, when the
// address changes.
const (
	// addressFile holds the address that the workers started with. It does not
	// survive a reboot, and neither do the workers.
	addressFile = runFolder + "/address.json"
	// addressEvery is the time between two checks of the address.
	addressEvery = 10 * time.Second
	// addressRetry is the time after a restart that failed until the next one.
	addressRetry = 30 * time.Second
	// addressTimeout is the time limit of a check, because the round waits for it.
	addressTimeout = 2 * time.Second
)

// move is a change of the address that the workers are being restarted for.
type move struct {
	to string
	// at is the restart that replaces the workers, or a later one.
	at int64
}

// checkAddress asks for a restart if the machine's address has changed. If the cloud
// does not answer, it does nothing.
func (a *Agent) checkAddress(ctx context.Context) {
	if a.Address == nil || a.addressChecked != 0 && a.Clock.Elapsed()-a.addressChecked < addressEvery {
		return
	}
	a.addressChecked = max(1, a.Clock.Elapsed())
	limited, cancel := context.WithTimeout(ctx, addressTimeout)
	defer cancel()
	now, err := a.Address(limited)
	if err != nil || now == "" {
		return
	}
	before, err := a.addressBefore(ctx, now)
	if err == nil {
		err = a.recallRestart()
	}
	if err != nil {
		a.failing(runFolder, fmt.Errorf("keeping the machine's address: %w", err))
		return
	}
	if before == now && a.moved.at == 0 {
		return
	}
	a.restarts.mu.Lock()
	if a.moved.at == 0 {
		// A restart that an operator has requested replaces the workers too.
		if last := a.restarts.last.At; a.restarts.request.At <= last {
			// The number of an operator's request is a time, which is larger.
			a.restarts.request = request.Restarting{ID: fmt.Sprintf("address-%d", last+1), At: last + 1}
		}
		a.moved = move{to: now, at: a.restarts.request.At}
		a.Log.Info("the machine has another address, so all workers are restarted", "before", before, "now", now)
	}
	last := a.restarts.last
	a.restarts.mu.Unlock()
	switch {
	case last.At < a.moved.at || !last.Done:
	case last.Failure != "":
		// Some old workers are still there.
		a.moved, a.addressChecked = move{}, a.Clock.Elapsed()+addressRetry-addressEvery
	default:
		// If the agent ends before this, it does all of it again.
		if err := a.remember(addressFile, a.moved.to); err != nil {
			a.failing(runFolder, fmt.Errorf("keeping the machine's address: %w", err))
			return
		}
		a.moved = move{}
	}
}

// addressBefore returns the address that the workers started with. If there are no
// workers yet, it returns now. It returns "" if the address is not known.
func (a *Agent) addressBefore(ctx context.Context, now string) (string, error) {
	before, err := recall[string](a.Disk, addressFile)
	if err != nil || before != "" {
		return before, err
	}
	// If the supervisor does not answer, there may be workers.
	if workers, err := a.processes(ctx); err != nil || len(workers) > 0 {
		return "", nil //nolint:nilerr // the round reports it
	}
	return now, a.remember(addressFile, now)
}
