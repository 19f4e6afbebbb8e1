package cloudinit

import _ "embed"

// The shell programs that run on the machine. They are files of their own, so
// that shellcheck reads them and tests run them.
var (
	//go:embed machine/setup.sh
	setup string
	//go:embed machine/no-start.sh
	noStart string
	//go:embed machine/wake-supervisor.sh
	wakeSupervisor string
	//go:embed machine/release-follower.sh
	releaseFollower string
	//go:embed machine/preflight.sh
	preflight string
	//go:embed machine/worker.sh
	worker string
	//go:embed machine/end-workers.sh
	endWorkers string
	//go:embed machine/incident.sh
	incident string
	//go:embed machine/diagnose.sh
	diagnose string
	//go:embed machine/store-folder.sh
	storeFolder string
	//go:embed machine/store-objects.sh
	storeObjects string
	//go:embed machine/credentials-role.sh
	credentialsRole string
	//go:embed machine/credentials-key.sh
	credentialsKey string
	//go:embed machine/secrets-parameters.sh
	secretsParameters string
	//go:embed machine/secrets-file.sh
	secretsFile string
)

// programsFolder is where they lie on the machine.
const programsFolder = "/usr/local/lib/escala/"

// DiagnosePath is the program that says why a machine does not serve.
const DiagnosePath = programsFolder + "diagnose"

func (m Machine) programs() []File {
	program := func(name, content string) File {
		return File{Path: programsFolder + name, Content: content, Executable: true}
	}
	return []File{
		program("setup", setup),
		program("no-start", noStart),
		program("wake-supervisor", wakeSupervisor),
		program("store", m.Store.program()),
		program("worker", worker),
		program("preflight", preflight),
		program("release-follower", releaseFollower),
		program("end-workers", endWorkers),
		program("incident", incident),
		program("diagnose", diagnose),
	}
}
