package deploy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"escala/service"
)

// A release that is gone back to is not watched, and needs no command.
func TestOnlyANewReleaseIsWatched(t *testing.T) {
	spec := service.NewSpec()
	spec.Bake.Time = 2 * time.Minute
	spec.ReleaseCommand.Command = []string{"api", "migrate"}
	r := Request{Spec: spec, Offline: true}
	r.Ask(nil, false)
	assert.Equal(t, service.Wanted{Command: spec.ReleaseCommand.Digest(), Bake: service.Bake{Time: 2 * time.Minute, Errors: "1%"}}, r.Wanted())
	back := Request{Spec: spec, Offline: true}
	back.Ask(nil, true)
	assert.Equal(t, service.Wanted{}, back.Wanted())
	plain := Request{Spec: service.NewSpec(), Offline: true}
	plain.Ask(nil, false)
	assert.Equal(t, service.Wanted{}, plain.Wanted(), "no word more in the pointer of a stack without a bake")
}
