package deploy

import (
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// outputAsked is the stack output with the release and the release command that the
// stack was asked for last, and the time of that in seconds since 1970.
const outputAsked = "asked"

// Ask sets Request.Command, Bake, Prepared and Asked. It sets Asked only for a
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
	text, _ := r.Outputs[outputAsked].(string)
	last, at, _ := strings.Cut(text, " ")
	served, _ := r.Outputs["release"].(string)
	switch {
	case last == r.asks():
		r.Prepared = r.Command != ""
		if asked, err := strconv.ParseInt(at, 10, 64); err == nil {
			r.Asked = asked
			return
		}
	case text == "" && served == string(r.Release.ID) && r.Command == "":
		// The release has served since before this output existed.
		return
	}
	r.Asked = time.Now().Unix()
}

// asks returns the id of the release, and the digest of its release command if it
// has one.
func (r *Request) asks() string {
	if r.Command == "" {
		return string(r.Release.ID)
	}
	return string(r.Release.ID) + "-" + r.Command
}

// ExportAsked sets the stack output that Ask reads. The output resolves once served
// does.
func (r *Request) ExportAsked(ctx *pulumi.Context, served pulumi.StringOutput) {
	if r.Asked == 0 {
		return
	}
	text := r.asks() + " " + strconv.FormatInt(r.Asked, 10)
	ctx.Export(outputAsked, served.ApplyT(func(string) string { return text }))
}
