package sandbox

// Spec describes a container for the program that becomes it.
type Spec struct {
	// Network is the id of the process whose network the container joins.
	Network int
	// Pause makes the process wait until it is ended instead of running a program.
	// Such a process holds the network of a pod.
	Pause bool
	// Root is the folder with the image's files.
	Root string
	// ReadOnly makes everything but the mounts read-only.
	ReadOnly bool
	// Mounts are mounted in this order.
	Mounts []Mount
	// Hostname is the pod's name.
	Hostname string
	// Folder is the working folder in Root. User and Group are the ids with which
	// the program runs. Args is its command line, Env its environment
	// ("NAME=value"). DropCaps drops all capabilities. NoNew forbids new privileges
	// (PR_SET_NO_NEW_PRIVS).
	Folder   string
	User     int
	Group    int
	Args     []string
	Env      []string
	DropCaps bool
	NoNew    bool
	// Memory is the path of the control group that the process joins (its
	// cgroup.procs), or "".
	Memory string
}

// Mount is a file or folder of this computer in a container. From is its path on
// this computer, To its path in the container.
type Mount struct {
	From, To string
	ReadOnly bool
}

// SpecVariable is the environment variable with the Spec as JSON.
const SpecVariable = "ESCALA_CONTAINER"

// ErrorFile is the descriptor on which the process reports why it cannot become
// the container. It is closed when the container's program runs.
const ErrorFile = 3
