// Package event defines the events of a stack: updates, refusals, incidents.
package event

import (
	"fmt"
	"strings"
	"time"

	"escala/service"
)

// Kind is the kind of an event. Readers must preserve a kind that they do not
// know.
type Kind string

// Values of Kind.
const (
	// Update is an update of the stack to the release that its source makes.
	Update Kind = "up"
	// Rollback is an update to a pinned release.
	Rollback Kind = "rollback"
	// Refresh and Destroy are the other operations on the state.
	Refresh Kind = "refresh"
	Destroy Kind = "destroy"
	// Refusal reports that a release was tried and does not serve.
	Refusal Kind = "refusal"
	// Incident is a problem of a machine or a pod, such as the end of a worker.
	Incident Kind = "incident"
	// Reboot is the start of a machine's operating system.
	Reboot Kind = "reboot"
	// Release reports that a machine serves a release on all workers.
	Release Kind = "release"
	// Unwell is the start of a problem that lasts, Well is its end.
	Unwell Kind = "unwell"
	Well   Kind = "well"
	// Command reports the end of a run of a release command, or that one runs.
	Command Kind = "command"
	// Certificate reports that a certificate was issued, or could not be.
	Certificate Kind = "certificate"
)

// Values of Event.Result. They are those of Pulumi's history.
const (
	Succeeded = "succeeded"
	Failed    = "failed"
)

// Event is one event of a stack. `events --json` prints its JSON, and a webhook
// receives the same JSON.
type Event struct {
	Time time.Time `json:"time"`
	Kind Kind      `json:"kind"`
	// Stack is the project and the stack: "escala/aws-ec2".
	Stack string `json:"stack"`
	// Who is the author of the commit and, in CI, the CI run. Run is the URL of
	// that run. Commit is the commit's id.
	Who    string `json:"who,omitempty"`
	Run    string `json:"run,omitempty"`
	Commit string `json:"commit,omitempty"`
	// Dirty reports that the source had changes that were not committed.
	Dirty bool `json:"dirty,omitempty"`
	// Release is the release that serves after the event, or the refused one.
	Release service.ReleaseID `json:"release,omitempty"`
	// Instance is the machine or pod.
	Instance string `json:"instance,omitempty"`
	// Result is Succeeded, Failed, or "" for an event without a result.
	Result string `json:"result,omitempty"`
	// Seconds is the duration of the event.
	Seconds int `json:"seconds,omitempty"`
	// Text is the reason, in the words of the machine or the cluster.
	Text string `json:"text,omitempty"`
}

// String returns the event in one line for people.
func (e Event) String() string {
	var b strings.Builder
	b.WriteString(e.Stack + ": " + string(e.Kind))
	if e.Result != "" {
		b.WriteString(" " + e.Result)
	}
	if e.Seconds > 0 {
		fmt.Fprintf(&b, " in %d s", e.Seconds)
	}
	if e.Release != "" {
		b.WriteString(", release " + e.Release.Short())
	}
	if e.Instance != "" {
		b.WriteString(", on " + e.Instance)
	}
	if e.Who != "" {
		b.WriteString(", by " + e.Who)
	}
	if e.Commit != "" {
		b.WriteString(", " + e.Source())
	}
	if e.Text != "" {
		b.WriteString(": " + e.Text)
	}
	if e.Run != "" {
		b.WriteString(" " + e.Run)
	}
	return b.String()
}

// Source names the commit: "commit 0123456789ab with changes".
func (e Event) Source() string {
	text := "commit " + e.Commit[:min(len(e.Commit), 12)]
	if e.Dirty {
		text += " with changes"
	}
	return text
}
