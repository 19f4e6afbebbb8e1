package cluster

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDiagnosticsAreTheErrorsAlone(t *testing.T) {
	const display = `Updating (kubernetes):
 ~  kubernetes:apps/v1:Deployment api updated
Diagnostics:
  pulumi:pulumi:Stack (escala-kubernetes):
    pushed image registry.example/api@sha256:1
    error: release 1 does not serve after 50s
      pod api-1 ends at once: exit status 23

Outputs:
    url: "http://example"

Resources:
    10 unchanged
`
	assert.Equal(t, "release 1 does not serve after 50s\n      pod api-1 ends at once: exit status 23", Diagnostics(display))
	assert.Equal(t, "nothing like it", Diagnostics("nothing like it\n"))
}
