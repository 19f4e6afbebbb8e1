package engine

import (
	"strings"

	"github.com/pulumi/pulumi/pkg/v3/backend/display"
	"github.com/pulumi/pulumi/pkg/v3/engine"
	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/diag/colors"
)

// labels are the display's names of operations.
var labels = map[apitype.UpdateKind]string{
	apitype.PreviewUpdate: "previewing update", apitype.UpdateUpdate: "updating",
	apitype.RefreshUpdate: "refreshing", apitype.DestroyUpdate: "destroying",
}

// show displays events and reports them. It closes shown after the engine's
// last event. The channel of events stays open, since a killed operation
// continues to send.
func (s *Stack) show(kind apitype.UpdateKind, r Run) (events chan<- engine.Event, shown <-chan struct{}) {
	incoming, done := make(chan engine.Event), make(chan struct{})
	var displayed chan engine.Event
	displayEnds := make(chan bool)
	if r.Out == nil {
		close(displayEnds)
	} else {
		displayed = make(chan engine.Event)
		color := colors.Never
		if r.Color {
			color = colors.Always
		}
		go display.ShowEvents(labels[kind], kind, s.name, s.project.Name, "", displayed, displayEnds, display.Options{
			Color: color, Type: display.DisplayProgress, SuppressOutputs: r.SuppressOutputs,
			SuppressPermalink: true, Stdin: strings.NewReader(""), Stdout: r.Out, Stderr: r.Out,
			// Progress is the spinner's dots, which always go to the standard
			// output.
			SuppressProgress: true,
		}, kind == apitype.PreviewUpdate)
	}
	go func() {
		for e := range incoming {
			if r.Event != nil {
				if converted, err := display.ConvertEngineEvent(e, false); err == nil {
					r.Event(converted)
				}
			}
			if displayed != nil {
				displayed <- e
			}
			if e.Type == engine.CancelEvent {
				<-displayEnds
				if displayed != nil {
					close(displayed)
				}
				close(done)
				break
			}
		}
		for range incoming {
			// Events that a killed operation still sends are dropped.
		}
	}()
	return incoming, done
}
