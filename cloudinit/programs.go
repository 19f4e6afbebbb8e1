package cloudinit

import _ "embed"

// bootstrap is what a machine has of shell, and aptConf how it calls apt. They
// are files of their own, so that shellcheck reads them and tests run them.
var (
	//go:embed machine/bootstrap.sh
	bootstrap string
	//go:embed machine/apt.conf
	aptConf string
)

// programsFolder is where programs lie on the machine.
const programsFolder = "/usr/local/lib/escala/"

func (m Machine) programs() []File {
	return []File{
		{Path: programsFolder + "setup", Content: bootstrap, Executable: true},
		{Path: "/etc/escala/apt.conf", Content: aptConf},
	}
}

// Diagnose is the command, to be run on the machine, that says why it does not
// serve. A machine that has no agent yet has its setup's journal.
func Diagnose() []string {
	return []string{"sh", "-c", "[ ! -x " + AgentPath + " ] || exec " + AgentPath + " diagnose\n" +
		"journalctl --unit " + SetupUnit + " --lines 20 --no-pager --output cat; tail -n 20 /var/log/cloud-init-output.log"}
}
