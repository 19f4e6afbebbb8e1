package engine

import (
	"maps"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/pulumi/pulumi/sdk/v3/go/common/constant"
	"github.com/pulumi/pulumi/sdk/v3/go/common/version"
)

// update returns an operation's entry in the history.
func (s *Stack) update(kind apitype.UpdateKind, started time.Time, changes map[string]int, failed error, notes notes) update {
	outcome := "succeeded"
	if failed != nil {
		outcome = "failed"
	}
	environment := map[string]string{"exec.kind": constant.ExecKindAutoInline, "pulumi.version": version.Version}
	maps.Copy(environment, notes.environment)
	return update{
		Kind: kind, StartTime: started.Unix(), EndTime: time.Now().Unix(), Result: outcome, Message: notes.message,
		Environment: environment,
		Config:      s.config, ResourceChanges: changes,
	}
}

// notes are a caller's additions to an operation's entry in the history.
type notes struct {
	message     string
	environment map[string]string
}

func (r Run) notes(outputs map[string]Output, failed error) notes {
	n := notes{message: r.Message, environment: maps.Clone(r.Environment)}
	if n.environment == nil {
		n.environment = map[string]string{}
	}
	if r.Annotate != nil {
		maps.Copy(n.environment, r.Annotate(outputs, failed))
	}
	return n
}
