package cloudinit

import (
	_ "embed"

	"escala/cloudinit/agent/host"
)

// answersLua is the Lua module with which Nginx counts its answers by release.
//
//go:embed machine/answers.lua
var answersLua string

// answersSocket returns the socket on which Nginx reports its counts to the agent,
// or "" on a machine whose releases are not watched.
func (m Machine) answersSocket() string {
	if !m.Spec.Bake.On() {
		return ""
	}
	return m.Root + host.AnswersSocket
}

// answersFiles returns the Lua module.
func (m Machine) answersFiles() []File {
	if !m.Spec.Bake.On() {
		return nil
	}
	return []File{{Path: programsFolder + "answers.lua", Content: answersLua}}
}

// answersFolders returns the folder of Nginx' socket, in tmpfiles' form.
func (m Machine) answersFolders() string {
	if !m.Spec.Bake.On() {
		return ""
	}
	return "d " + host.AnswersRun + " 0700 root root -\n"
}
