package cli

import (
	"fmt"
	"strings"
	"sync"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"

	"escala/infra/operate"
	"escala/infra/operate/origin"
)

// maxDrifted is the number of resources that the history names.
const maxDrifted = 10

// drift records the resources that differ from the state in a refresh, for the
// stack's history.
type drift struct {
	mu    sync.Mutex
	names []string
}

func (d *drift) take(e apitype.EngineEvent) {
	out := e.ResOutputsEvent
	if out == nil || out.Metadata.Op != apitype.OpUpdate && out.Metadata.Op != apitype.OpDelete {
		return
	}
	name := out.Metadata.URN[strings.LastIndex(out.Metadata.URN, ":")+1:]
	d.mu.Lock()
	defer d.mu.Unlock()
	d.names = append(d.names, operate.Plain(name))
}

// annotate adds the names to the notes about an operation.
func (d *drift) annotate(notes map[string]string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.names) == 0 {
		return
	}
	names := d.names[:min(len(d.names), maxDrifted)]
	notes[origin.Drifted] = strings.Join(names, ", ")
	if more := len(d.names) - len(names); more > 0 {
		notes[origin.Drifted] += fmt.Sprintf(" and %d more", more)
	}
}
