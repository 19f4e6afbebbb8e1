//go:build linux

// Package isolated runs a program with a network and processes of its own, as a
// container does. So the addresses of a cluster do not conflict with those of this
// computer, two runs do not disturb each other, and no process remains: when the
// program ends, however it ends, the kernel ends its processes, its mounts and its
// network. Only its files remain if it is killed.
package isolated

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
)

// variable marks the process that runs in its own namespaces.
const variable = "ESCALA_ISOLATED"

// Run calls main in new namespaces and ends the process with main's status. For
// that it starts this program again with the same arguments, so it must be called
// before anything else. It needs root.
func Run(main func() int) {
	if os.Getenv(variable) != "" {
		if err := prepare(); err != nil {
			fmt.Fprintln(os.Stderr, "error: preparing a network: "+err.Error())
			os.Exit(1)
		}
		os.Exit(main())
	}
	status, err := again()
	if err != nil {
		fmt.Fprintln(os.Stderr, "error: "+err.Error())
		os.Exit(1)
	}
	os.Exit(status)
}

// Possible returns the reason why Run cannot work here, or nil.
func Possible() error {
	if os.Geteuid() != 0 {
		return errors.New("namespaces of a network and of processes need root")
	}
	for _, program := range []string{"ip", "nsenter"} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s is missing (packages iproute2 and util-linux): %w", program, err)
		}
	}
	//nolint:noctx // it ends at once
	cmd := exec.Command("ip", "link")
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces}
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("this computer, or the container that this is, lets root make no namespaces: %w", err)
	}
	return nil
}

// namespaces are the kinds of namespaces that a program gets.
const namespaces = syscall.CLONE_NEWNET | syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWIPC

// again runs this program in new namespaces and returns its exit status.
func again() (int, error) {
	if err := Possible(); err != nil {
		return 0, err
	}
	// The kernel ends the program when the thread that started it ends.
	runtime.LockOSThread()
	//nolint:noctx // it gets the signals of this process
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Args[0] = os.Args[0]
	cmd.Env = append(os.Environ(), variable+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: namespaces,
		Pdeathsig:  syscall.SIGKILL,
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		return 0, fmt.Errorf("making namespaces for the cluster (root is needed): %w", err)
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return 0, fmt.Errorf("waiting for the cluster: %w", err)
	}
	if code := cmd.ProcessState.ExitCode(); code >= 0 {
		return code, nil
	}
	return 1, nil
}

// prepare mounts /proc for the new process namespace, and makes a network.
func prepare() error {
	if err := syscall.Mount("none", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keeping mounts apart: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("mounting /proc: %w", err)
	}
	//nolint:noctx // it ends at once
	cmd := exec.Command("ip", "-batch", "-")
	cmd.Stdin = strings.NewReader(network)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("making a network: %w: %s", err, out)
	}
	return nil
}

// network has loopback and a default route that leads nowhere: kube-apiserver uses
// the address of the interface with the default route as its own.
const network = `link set lo up
link add outside type bridge
addr add 172.31.255.1/32 dev outside
link set outside up
route add default dev outside
`
