package machine

import "escala/service"

// EventKind is the kind of an Event. Readers must preserve a kind that they do
// not know.
type EventKind string

// Values of EventKind.
const (
	// EventRelease reports that a release serves on all workers.
	EventRelease EventKind = "release"
	// EventRefusal reports that a release was tried and does not serve.
	EventRefusal EventKind = "refusal"
	// EventIncident reports a problem that resolved itself, such as the end of a
	// worker.
	EventIncident EventKind = "incident"
	// EventReboot reports a start of the operating system.
	EventReboot EventKind = "reboot"
	// EventUnwell reports the start of a problem that lasts, EventWell its end.
	EventUnwell EventKind = "unwell"
	EventWell   EventKind = "well"
	// EventCertificate reports a certificate that was issued, or could not be.
	EventCertificate EventKind = "certificate"
)

// Event is one event of a machine.
type Event struct {
	// Time is in seconds since 1970 by the machine's clock.
	Time int64     `json:"time"`
	Kind EventKind `json:"kind"`
	// Release is the release that the event is about, or the current one.
	Release service.ReleaseID `json:"release,omitempty"`
	// Text is the reason, as the machine describes it.
	Text string `json:"text,omitempty"`
}

// EventsName is the name of the machine's events among its objects: a JSON array,
// the latest last.
const EventsName = "events.json"

// MaxEvents is the number of events that a machine keeps.
const MaxEvents = 100
