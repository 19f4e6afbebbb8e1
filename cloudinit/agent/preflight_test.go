package agent

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"escala/service"
)

// unready is a preflight that never becomes ready.
type unready struct {
	Preflight
	code int
}

func (u unready) AskAdmin(context.Context, string) Answer { return Answer{Code: u.code} }
func (u unready) Ended() (int, bool)                      { return 0, false }

func TestTheReasonOfAReleaseThatIsNotReady(t *testing.T) {
	for name, test := range map[string]struct {
		runtime service.Runtime
		code    int
		want    string
	}{
		"another port":           {service.RuntimeNone, 0, "it is not ready within 15 s: GET /ready has no answer at $HOST:$PORT, where the program has to listen"},
		"no such path":           {service.RuntimeNone, 404, "it is not ready within 15 s: GET /ready answers 404, not 200"},
		"without the runtime":    {service.RuntimeEscala, 0, "it is not ready within 15 s: GET /ready has no answer on its admin socket; a program without escala's runtime needs service.runtime: none"},
		"a dependency is absent": {service.RuntimeEscala, 503, "it is not ready within 15 s: GET /ready answers 503, not 200"},
	} {
		t.Run(name, func(t *testing.T) {
			a := &Agent{Clock: &handClock{}, Config: Config{Runtime: test.runtime, ReadyPath: "/ready", Start: Duration(15 * time.Second)}}
			assert.Equal(t, test.want, a.tryOut(t.Context(), unready{code: test.code}))
		})
	}
}
