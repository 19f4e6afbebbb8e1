package cloudinit

import (
	_ "embed"

	"escala/cloudinit/agent/host"
	"escala/service"
)

// upstreamsLua is the Lua module with which Nginx chooses workers without escala's
// runtime.
//
//go:embed machine/upstreams.lua
var upstreamsLua string

// nginxUpstreams holds the template's values for workers without escala's
// runtime.
type nginxUpstreams struct {
	// File is the list that Nginx reads at its start. Socket is where the agent
	// hands over a new one.
	File, Socket string
	Affinity     bool
}

// anyProgram reports whether the program is without escala's runtime.
func (m Machine) anyProgram() bool { return m.Spec.Runtime == service.RuntimeNone }

// lua reports whether Nginx needs its Lua module.
func (m Machine) lua() bool { return m.Spec.HTTPS() || m.anyProgram() || m.Spec.Bake.On() }

// nginxUpstreams returns nil for a program with escala's runtime.
func (m Machine) nginxUpstreams() *nginxUpstreams {
	if !m.anyProgram() {
		return nil
	}
	return &nginxUpstreams{
		File:     m.Root + host.UpstreamsFile,
		Socket:   m.Root + host.UpstreamsSocket,
		Affinity: m.Spec.Workers.Affinity,
	}
}

// upstreamsFiles returns the Lua module.
func (m Machine) upstreamsFiles() []File {
	if !m.anyProgram() {
		return nil
	}
	return []File{{Path: programsFolder + "upstreams.lua", Content: upstreamsLua}}
}

// upstreamsFolders returns the folder of Nginx' socket, in tmpfiles' form.
func (m Machine) upstreamsFolders() string {
	if !m.anyProgram() {
		return ""
	}
	return "d " + host.UpstreamsRun + " 0700 root root -\n"
}
