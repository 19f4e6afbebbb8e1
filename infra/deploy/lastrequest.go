package deploy

import (
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// outputRequestedAt is the stack output with the release and the release command that the
// stack was asked for last, and the time of that in seconds since 1970.
const outputRequestedAt = "asked"

// Ask sets Request.Command, Bake, Prepared and RequestedAt. It sets RequestedAt only for a
// Machine and for a release command. Until the release serves, each update sets
// another time, so that a machine that refused the release tries it again. pinned
// is true for a rollback to an earlier release.
func (r *Request) Ask(target Target, pinned bool) {
	if !pinned {
		r.Command = r.Spec.ReleaseCommand.Digest()
		if r.Spec.Bake.On() {
			r.Bake = r.Spec.Bake
		}
	}
	if _, machine := target.(Machine); r.Offline || !machine && r.Command == "" {
		return
	}
	text, _ := r.Outputs[outputRequestedAt].(string)
	last, at, _ := strings.Cut(text, " ")
	served, _ := r.Outputs["release"].(string)
	switch {
	case last == r.asks():
		r.Prepared = r.Command != ""
		if asked, err := strconv.ParseInt(at, 10, 64); err == nil {
			r.RequestedAt = asked
			return
		}
	case text == "" && served == string(r.Release.ID) && r.Command == "":
		// The release has served since before this output existed.
		return
	}
	r.RequestedAt = time.Now().Unix()
}

// asks returns the id of the release, and the digest of its release command if it
// has one.
func (r *Request) asks() string {
	if r.Command == "" {
		return string(r.Release.ID)
	}
	return string(r.Release.ID) + "-" + r.Command
}

// ExportRequestedAt sets the stack output that Ask reads. The output resolves once served
// does.
func (r *Request) ExportRequestedAt(ctx *pulumi.Context, served pulumi.StringOutput) {
	if r.RequestedAt == 0 {
		return
	}
	text := r.asks() + " " + strconv.FormatInt(r.RequestedAt, 10)
	ctx.Export(outputRequestedAt, served.ApplyT(func(string) string { return text }))
}
