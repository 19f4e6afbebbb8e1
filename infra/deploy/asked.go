package deploy

import (
	"strconv"
	"strings"
	"time"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
)

// outputAsked is the stack output that says for which release, with which release
// command, the stack was asked last, and when.
const outputAsked = "asked"

// Ask sets Request.Command, Request.Bake, Request.Prepared, and Request.Asked for a Machine and
// for a release command. Until the release serves, each update asks anew, so that a
// machine that refused the release tries it again. pinned is true for a release that
// is gone back to.
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
		// It serves since before there was such an output.
		return
	}
	r.Asked = time.Now().Unix()
}

// asks identifies what is asked for.
func (r *Request) asks() string {
	if r.Command == "" {
		return string(r.Release.ID)
	}
	return string(r.Release.ID) + "-" + r.Command
}

// ExportAsked sets the stack output that Ask reads. It resolves once served does.
func (r *Request) ExportAsked(ctx *pulumi.Context, served pulumi.StringOutput) {
	if r.Asked == 0 {
		return
	}
	text := r.asks() + " " + strconv.FormatInt(r.Asked, 10)
	ctx.Export(outputAsked, served.ApplyT(func(string) string { return text }))
}
