package host

import "syscall"

// endWithParent kills the process when the agent ends.
func endWithParent(a *syscall.SysProcAttr) { a.Pdeathsig = syscall.SIGKILL }
