package cli

import (
	"errors"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/apitype"
	"github.com/stretchr/testify/assert"
)

func TestTheLastErrorIsTheReason(t *testing.T) {
	for name, tt := range map[string]struct {
		messages []string
		want     string
	}{
		"none":               {nil, "update failed"},
		"one":                {[]string{"program failed: 1 error occurred:\n\t* the token is refused\n"}, "the token is refused"},
		"a machine's lines":  {[]string{"release 1 does not serve: it exits\nthe machine reports:\npanic"}, "release 1 does not serve: it exits"},
		"a list":             {[]string{"stack x cannot be used, nothing was changed:\n  service.naem: is not a key\n  locl: is not a key\n  gate.timeout: x"}, "stack x cannot be used, nothing was changed: service.naem: is not a key (and 2 more)"},
		"a list of one":      {[]string{"stack x cannot be used, nothing was changed:\n  service.naem: is not a key"}, "stack x cannot be used, nothing was changed: service.naem: is not a key"},
		"the engine's close": {[]string{"the port is taken", "update failed."}, "the port is taken"},
		"colors":             {[]string{"<{%fg 9%}>no<{%reset%}> \x1b[31mcredentials"}, "no credentials"},
	} {
		t.Run(name, func(t *testing.T) {
			var l lastError
			for _, message := range tt.messages {
				l.record(apitype.EngineEvent{DiagnosticEvent: &apitype.DiagnosticEvent{Severity: "error", Message: message}})
			}
			assert.Equal(t, tt.want, l.reason(errors.New("update failed")))
		})
	}
}
