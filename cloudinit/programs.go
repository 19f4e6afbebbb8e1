package cloudinit

import _ "embed"

// bootstrap is the only shell script on a machine, and aptConf is apt's
// configuration. They are files of their own, so that shellcheck reads them and
// tests run them.
var (
	//go:embed machine/bootstrap.sh
	bootstrap string
	//go:embed machine/apt.conf
	aptConf string
)

// programsFolder is the folder of the programs on the machine.
const programsFolder = "/usr/local/lib/escala/"

func (m Machine) programs() []File {
	return []File{
		{Path: programsFolder + "setup", Content: bootstrap, Executable: true},
		{Path: "/etc/escala/apt.conf", Content: aptConf},
	}
}

// Diagnose returns a command for the machine that explains why it does not
// serve. A machine without an agent shows the journal of its setup.
func Diagnose() []string {
	return []string{"sh", "-c", "[ ! -x " + AgentPath + " ] || exec " + AgentPath + " diagnose\n" +
		"journalctl --unit " + SetupUnit + " --lines 20 --no-pager --output cat; tail -n 20 /var/log/cloud-init-output.log"}
}
