// Package report gives a machine's operator what the public status does not contain:
// what happened (events), and the state of the machine (details). Both go to the
// machine's own objects in the release store. Events also go to a webhook.
//
// A Reporter works beside the agent's rounds and never delays them. It takes each
// round's status, and derives events from what changed.
package report

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"time"

	"escala/service/machine"
)

// Reporter reports one machine. All fields are required, except those marked as
// optional.
type Reporter struct {
	// Store writes the machine's own objects.
	Store interface {
		Write(ctx context.Context, name string, content []byte) error
	}
	// Disk stores the record on the machine.
	Disk Disk
	// Details returns the machine's current details.
	Details func(ctx context.Context) machine.Details
	// Every is the longest time between two writes of the details: each one costs
	// money in a bucket.
	Every time.Duration
	// Silent is the time without a status after which the agent counts as hung. It
	// is longer than a step of a roll takes.
	Silent time.Duration
	// Webhook takes events. Optional.
	Webhook Webhook
	Now     func() time.Time
	Log     *slog.Logger
	// Boot is the kernel's id of this boot.
	Boot string

	statuses chan machine.Status
	record   Record
	// unwritten means that the store does not have the latest events. pending are
	// the events that the webhook does not have.
	unwritten bool
	pending   []machine.Event
	detailed  time.Time
	failed    bool
}

// Disk stores files on the machine.
type Disk interface {
	// Read returns a file. The error of a missing file is fs.ErrNotExist.
	Read(name string) ([]byte, error)
	// Write replaces a file, atomically.
	Write(name string, content []byte) error
}

// Webhook takes an event. It gives up by itself after some seconds.
type Webhook interface {
	Send(ctx context.Context, e machine.Event) error
}

// maxPending limits the events that wait for the webhook. The oldest are dropped.
const maxPending = 20

// recordFile is the name of the record on the disk.
const recordFile = "record.json"

// New returns a reporter that takes statuses.
func New(r Reporter) *Reporter {
	r.statuses = make(chan machine.Status, 1)
	return &r
}

// Observe takes the status of a round. It does not wait: a reporter that is busy
// gets the latest status later.
func (r *Reporter) Observe(s machine.Status) {
	for {
		select {
		case r.statuses <- s:
			return
		default:
		}
		select {
		case <-r.statuses:
		default:
		}
	}
}

// Run works until ctx ends.
func (r *Reporter) Run(ctx context.Context) {
	r.load()
	silence := time.NewTimer(r.Silent)
	defer silence.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case s := <-r.statuses:
			r.handleStatus(ctx, s)
		case <-silence.C:
			r.handleEvents(ctx, func(record *Record) []machine.Event { return record.Silent(r.Now(), r.Silent) })
		}
		silence.Reset(r.Silent)
	}
}

func (r *Reporter) load() {
	content, err := r.Disk.Read(recordFile)
	if err == nil {
		err = json.Unmarshal(content, &r.record)
	}
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			r.Log.Warn("reading the record of events", "error", err)
		}
		r.record = Record{}
	}
	// The store may have missed what was written last.
	r.unwritten = len(r.record.Events) > 0
}

// handleStatus handles one status.
func (r *Reporter) handleStatus(ctx context.Context, s machine.Status) {
	r.handleEvents(ctx, func(record *Record) []machine.Event { return record.Update(r.Now(), r.Boot, s) })
}

// handleEvents handles the events of a change of the record: first what stays on the
// machine, then what may take time.
func (r *Reporter) handleEvents(ctx context.Context, change func(*Record) []machine.Event) {
	now := r.Now()
	before := r.record
	fresh := change(&r.record)
	if !same(before, r.record) {
		r.saveRecord()
	}
	if len(fresh) > 0 {
		r.unwritten = true
		r.pending = append(r.pending, fresh...)
		r.pending = r.pending[max(0, len(r.pending)-maxPending):]
	}
	r.write(ctx, now, len(fresh) > 0)
	r.send(ctx)
}

// same compares records without their events, which only grow together with
// another field or with the latest event's time.
func same(a, b Record) bool {
	count := len(a.Events) == len(b.Events) && (len(a.Events) == 0 || a.Events[len(a.Events)-1] == b.Events[len(b.Events)-1])
	a.Events, b.Events = nil, nil
	x, _ := json.Marshal(a) //nolint:errchkjson // plain fields
	y, _ := json.Marshal(b) //nolint:errchkjson // plain fields
	return count && string(x) == string(y)
}

// saveRecord writes the record to the disk. After a failure, an event is reported again
// when the agent next starts, which is better than never.
func (r *Reporter) saveRecord() {
	content, err := json.Marshal(r.record)
	if err == nil {
		err = r.Disk.Write(recordFile, content)
	}
	if err != nil {
		r.Log.Debug("keeping the record of events", "error", err)
	}
}

// write sends the events that the store does not have, and the details if they are
// due.
func (r *Reporter) write(ctx context.Context, now time.Time, fresh bool) {
	due := now.Sub(r.detailed) >= r.Every || now.Before(r.detailed)
	if !due && !fresh {
		return
	}
	r.detailed = now
	details := r.Details(ctx)
	details.Time, details.Every = now.Unix(), int64(r.Every/time.Second)
	failed := r.put(ctx, machine.DetailsName, details)
	if r.unwritten && failed == nil {
		if failed = r.put(ctx, machine.EventsName, r.record.Events); failed == nil {
			r.unwritten = false
		}
	}
	if failed != nil && !r.failed {
		r.Log.Warn("reporting to the release store", "error", failed)
	}
	r.failed = failed != nil
}

func (r *Reporter) put(ctx context.Context, name string, value any) error {
	content, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return r.Store.Write(ctx, name, content)
}

// send gives only one event to the webhook: the next round's status may bring events
// that the store should have first.
func (r *Reporter) send(ctx context.Context) {
	if r.Webhook == nil {
		r.pending = nil
		return
	}
	if len(r.pending) == 0 {
		return
	}
	e := r.pending[0]
	r.pending = r.pending[1:]
	if err := r.Webhook.Send(ctx, e); err != nil {
		r.Log.Warn("telling the webhook", "event", e.Kind, "error", err)
	}
}
