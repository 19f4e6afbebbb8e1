// Command controlplane starts a real kube-apiserver and etcd on loopback, for tests:
// `make bin/kubernetes/controlplane`. It is in a module of its own, with all parts
// of Kubernetes that they are built from.
//
// It prints the path of an administrator's kubeconfig as its only line. It ends all
// processes when its standard input is closed, so that they end with the test that
// started it, even if that is killed.
//
// Objects are checked, completed and stored, and nothing acts on them. With
// -controllers, Kubernetes' own controllers do: they create pods, and end
// namespaces. There are no nodes in either case, so no pod runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/go-logr/logr"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"
)

// startTimeout is long enough for a computer that compiles something else at the
// same time.
const startTimeout = 2 * time.Minute

func main() {
	controllers := flag.Bool("controllers", false, "also run Kubernetes' controllers")
	flag.Parse()
	if err := run(os.Stdin, os.Stdout, *controllers); err != nil {
		fmt.Fprintln(os.Stderr, "controlplane:", err)
		os.Exit(1)
	}
}

func run(stdin io.Reader, stdout io.Writer, controllers bool) (err error) {
	log.SetLogger(logr.FromSlogHandler(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})))
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("looking for its own folder: %w", err)
	}
	folder, err := os.MkdirTemp("", "controlplane-")
	if err != nil {
		return fmt.Errorf("making a folder: %w", err)
	}
	defer os.RemoveAll(folder)
	// The process that started this one may be gone, with the reader of its last
	// lines.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() {
		_, _ = io.Copy(io.Discard, stdin)
		stop()
	}()

	said, err := os.Create(filepath.Join(folder, "kube-apiserver.log"))
	if err != nil {
		return fmt.Errorf("making a log: %w", err)
	}
	defer said.Close()
	own := false
	environment := &envtest.Environment{
		UseExistingCluster:       &own,
		BinaryAssetsDirectory:    filepath.Dir(self),
		ControlPlaneStartTimeout: startTimeout,
		ControlPlaneStopTimeout:  startTimeout,
	}
	server := environment.ControlPlane.GetAPIServer()
	server.Out, server.Err = said, said
	// envtest disables the admission of service accounts. A real cluster does not,
	// so pods must name an existing account.
	server.Configure().Disable("disable-admission-plugins")

	// Everything that started must end, even if the rest did not start.
	defer func() { err = errors.Join(err, environment.Stop()) }()
	if _, err := environment.Start(); err != nil {
		return fmt.Errorf("starting kube-apiserver and etcd: %w\n%s", err, tail(said.Name()))
	}
	kubeconfig := filepath.Join(folder, "kubeconfig")
	if err := os.WriteFile(kubeconfig, environment.KubeConfig, 0o600); err != nil {
		return fmt.Errorf("writing the kubeconfig: %w", err)
	}
	if controllers {
		stop, err := startControllers(filepath.Dir(self), folder, kubeconfig)
		if err != nil {
			return err
		}
		defer stop()
	}
	if _, err := fmt.Fprintln(stdout, kubeconfig); err != nil {
		return fmt.Errorf("saying where the kubeconfig is: %w", err)
	}
	<-ctx.Done()
	return nil
}

// running are the controllers that tests need: those that create and end what the
// program describes. The others would look for nodes and clouds.
var running = []string{
	"deployment-controller", "replicaset-controller", "job-controller", "horizontal-pod-autoscaler-controller",
	"disruption-controller", "endpoints-controller", "endpointslice-controller",
	"serviceaccount-controller", "namespace-controller", "garbage-collector-controller",
}

// startControllers starts kube-controller-manager. The returned function ends it.
func startControllers(binaries, folder, kubeconfig string) (stop func(), err error) {
	log, err := os.Create(filepath.Join(folder, "kube-controller-manager.log"))
	if err != nil {
		return nil, fmt.Errorf("making a log: %w", err)
	}
	defer log.Close()
	//nolint:noctx // it is ended by stop
	cmd := exec.Command(filepath.Join(binaries, "kube-controller-manager"),
		"--kubeconfig="+kubeconfig, "--controllers="+strings.Join(running, ","),
		"--leader-elect=false", "--secure-port=0", "--kube-api-qps=200", "--kube-api-burst=400",
		"--horizontal-pod-autoscaler-sync-period=1s",
	)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting kube-controller-manager: %w", err)
	}
	return func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}, nil
}

// tail is the end of a log.
func tail(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return string(content[max(0, len(content)-4096):])
}
