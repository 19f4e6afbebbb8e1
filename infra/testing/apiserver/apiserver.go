// Package apiserver gives tests a real kube-apiserver with its etcd on loopback. It
// validates, defaults and stores objects as any cluster does. On request,
// Kubernetes' own controllers run beside it. No pods run. Package nodes simulates
// them.
//
// The programs are built from their Go modules (`make
// bin/kubernetes/controlplane`), not downloaded, and they end with the test binary.
// Only tests import this package.
package apiserver

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"escala/infra/workspace"
)

// Variable is the environment variable with the folder of the binaries. If it
// is set, as in `make test`, a test that needs the binaries fails without them.
// If it is not set, the binaries are looked up in bin/kubernetes of the clone,
// and the test is skipped if they were never built.
const Variable = "ESCALA_CONTROL_PLANE"

// Server is a running kube-apiserver.
type Server struct {
	// Kubeconfig is the path of an administrator's kubeconfig.
	Kubeconfig string
	config     *rest.Config
	command    *exec.Cmd
	// alive stays open until this process ends, and the server runs as long as it is
	// open. The field keeps a reference to it, because Go closes unreferenced files.
	alive io.WriteCloser
}

var started = sync.OnceValues(func() (*Server, error) { return start() })

// errNotBuilt means that the binaries do not exist.
var errNotBuilt = errors.New("the control plane is not built: make bin/kubernetes/controlplane")

// Start returns the test binary's kube-apiserver, which has no controllers. It
// skips the test if kube-apiserver was never built.
func Start(t testing.TB) *Server {
	t.Helper()
	short(t)
	server, err := started()
	mustStart(t, err)
	return server
}

// StartWithControllers starts a kube-apiserver of the test's own, with
// Kubernetes' controllers. It skips the test if they were never built.
func StartWithControllers(t testing.TB) *Server {
	t.Helper()
	short(t)
	server, err := New()
	mustStart(t, err)
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	return server
}

// New starts a kube-apiserver with Kubernetes' controllers, for programs that are
// not tests. Stop ends it.
func New() (*Server, error) { return start("-controllers") }

// Stop ends a server that New has started.
func (s *Server) Stop() error {
	if err := s.alive.Close(); err != nil {
		return fmt.Errorf("ending the control plane: %w", err)
	}
	// The exit status does not matter: the server's data is temporary.
	_ = s.command.Wait()
	return nil
}

// short skips a test with -short.
func short(t testing.TB) {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a kube-apiserver; -short leaves that out")
	}
}

// mustStart skips the test if the binaries were not built and are not required, and
// fails it after any other error.
func mustStart(t testing.TB, err error) {
	t.Helper()
	if errors.Is(err, errNotBuilt) && os.Getenv(Variable) == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatalf("starting a kube-apiserver: %v", err)
	}
}

// Config returns an administrator's client configuration.
func (s *Server) Config() *rest.Config { return rest.CopyConfig(s.config) }

// programs are the names of the binaries.
var programs = []string{"controlplane", "kube-apiserver", "kube-controller-manager", "etcd"}

// binaries returns the folder of the binaries.
func binaries() (string, error) {
	folder := os.Getenv(Variable)
	if folder == "" {
		root, err := workspace.Root()
		if err != nil {
			return "", fmt.Errorf("looking for the clone: %w", err)
		}
		folder = filepath.Join(root, "bin", "kubernetes")
	}
	for _, name := range programs {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return "", fmt.Errorf("%w (%s lacks %s)", errNotBuilt, folder, name)
		}
	}
	return folder, nil
}

// start starts a control plane with arguments of its command.
func start(args ...string) (*Server, error) {
	folder, err := binaries()
	if err != nil {
		return nil, err
	}
	// The command has no context: it ends when its standard input is closed,
	// which happens when this process ends.
	cmd := exec.Command(filepath.Join(folder, "controlplane"), args...) //nolint:noctx // see above
	alive, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("opening its standard input: %w", err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("opening its standard output: %w", err)
	}
	var said bytes.Buffer
	cmd.Stderr = &said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		return nil, fmt.Errorf("it ended: %w\n%s", cmd.Wait(), said.String())
	}
	kubeconfig := strings.TrimSpace(line)
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("reading its kubeconfig: %w", err)
	}
	config.QPS = -1 // no pause between requests
	return &Server{Kubeconfig: kubeconfig, config: config, command: cmd, alive: alive}, nil
}
