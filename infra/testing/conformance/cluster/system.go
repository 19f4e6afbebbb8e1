package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"escala/infra/deploy"
	"escala/infra/engine"
	"escala/infra/targets/kubernetes"
	"escala/infra/testing/conformance"
	"escala/infra/testing/conformance/source"
	"escala/infra/testing/conformance/stack"
	"escala/infra/testing/kube"
	"escala/infra/testing/kubeplugin"
)

// name is the name of the service and of its objects.
const name = "api"

// host is the service's host name at the ingress controller.
const host = "api.escala-conformance.example"

// System is the service on a cluster. Make one with New.
type System struct {
	// Stack is the deployed stack, for checks that change its configuration.
	Stack *stack.Stack

	options Options
	client  *client
	// released holds the ids of the good releases, in order.
	released []string
	started  bool
}

var _ conformance.System = (*System)(nil)

// New returns a system that is not started.
func New(o Options) (*System, error) {
	if err := o.Validate(); err != nil {
		return nil, fmt.Errorf("the options of the cluster: %w", err)
	}
	client, err := newClient(o.Kubeconfig, o.Context, o.Namespace)
	if err != nil {
		return nil, err
	}
	clone, err := source.NewClone(o.Source, o.Folder)
	if err != nil {
		return nil, fmt.Errorf("copying the sources: %w", err)
	}
	targets := func() []deploy.Target { return []deploy.Target{kubernetes.New()} }
	plugin, err := kubeplugin.Find()
	if err != nil {
		return nil, err
	}
	deployed := &stack.Stack{Name: "kubernetes", Clone: clone, Config: configuration(o), Targets: targets}
	if plugin.Path == "" {
		deployed.Install = true
	} else {
		deployed.Providers = []engine.Provider{plugin}
	}
	return &System{options: o, client: client, Stack: deployed}, nil
}

// configuration returns a typical user's configuration, except for settings
// that would make a run long.
func configuration(o Options) map[string]any {
	settings := map[string]any{
		"kubeconfig": o.Kubeconfig,
		"registry":   strings.TrimSuffix(o.Registry, "/") + "/" + o.Namespace,
		"namespace":  o.Namespace,
	}
	for key, value := range map[string]string{
		"context": o.Context, "ingressClass": o.IngressClass, "url": o.URL, "redisImage": o.RedisImage,
	} {
		if value != "" {
			settings[key] = value
		}
	}
	if len(o.Architectures) > 0 {
		settings["architectures"] = o.Architectures
	}
	return map[string]any{
		"target":     "kubernetes",
		"gate":       map[string]any{"timeout": "3m"},
		"kubernetes": settings,
		"service": map[string]any{
			"name":      name,
			"host":      host,
			"webSocket": map[string]any{"rooms": true},
			"redis":     map[string]any{"mode": "local"},
			// The load of the other checks must not scale the service.
			"scale": map[string]any{"min": 3, "max": 6, "cpu": 400, "scaleDown": "15s"},
		},
	}
}

// Name returns the name of the target.
func (s *System) Name() string { return s.options.Name }

// Start deploys the service to the cluster.
func (s *System) Start(ctx context.Context) (conformance.Endpoint, error) {
	if there, err := s.namespaceExists(ctx); err != nil {
		return conformance.Endpoint{}, err
	} else if there {
		return conformance.Endpoint{}, fmt.Errorf("namespace %s exists already, from an earlier run or of another user: delete it or choose another one", s.options.Namespace)
	}
	s.started = true
	if err := s.Release(ctx, "first"); err != nil {
		return conformance.Endpoint{}, err
	}
	url, err := s.address(ctx)
	if err != nil {
		return conformance.Endpoint{}, err
	}
	return conformance.Endpoint{
		URL: url, Host: host, Rooms: true, About: s.options.About,
	}, nil
}

// Stop deletes everything from the cluster.
func (s *System) Stop(ctx context.Context) error {
	if !s.started {
		return os.RemoveAll(s.options.Folder)
	}
	if err := s.Stack.Destroy(ctx); err != nil {
		return fmt.Errorf("destroying the stack: %w", err)
	}
	if there, err := s.namespaceExists(ctx); err != nil {
		return err
	} else if there {
		return fmt.Errorf("the stack is destroyed and namespace %s is still there", s.options.Namespace)
	}
	// The folder is removed last, because its state lists what is left to destroy.
	return os.RemoveAll(s.options.Folder)
}

// Release rolls out changed sources.
func (s *System) Release(ctx context.Context, release string) error {
	if err := s.Stack.Clone.Good(release); err != nil {
		return err
	}
	// A rollback pins its release; a new release must remove the pin.
	delete(s.Stack.Config, "release")
	return s.up(ctx)
}

// Rollback pins the previous release, as `make rollback` does.
func (s *System) Rollback(ctx context.Context) error {
	if len(s.released) < 2 {
		return errors.New("there is no release to go back to")
	}
	s.Stack.Config["release"] = s.released[len(s.released)-2]
	return s.up(ctx)
}

// up updates the stack and records the release that it then runs.
func (s *System) up(ctx context.Context) error {
	u, err := s.Stack.Up(ctx)
	if err != nil {
		return err
	}
	release := u.Outputs["release"]
	if len(s.released) == 0 || s.released[len(s.released)-1] != release {
		s.released = append(s.released, release)
	}
	return nil
}

// address returns the address that the load uses.
func (s *System) address(ctx context.Context) (string, error) {
	if s.options.URL != "" {
		return strings.TrimSuffix(s.options.URL, "/"), nil
	}
	ingress, err := s.client.get(ctx, kube.Ingresses)
	if err != nil {
		return "", err
	}
	for _, at := range slice(ingress.Object, "status", "loadBalancer", "ingress") {
		for _, key := range []string{"ip", "hostname"} {
			if address, _ := at[key].(string); address != "" {
				return "http://" + address, nil
			}
		}
	}
	return "", errors.New("the Ingress has no address; set CONFORMANCE_URL to the address of the ingress controller")
}

func (s *System) namespaceExists(ctx context.Context) (bool, error) {
	_, err := s.client.dynamic.Resource(kube.Namespaces).Get(ctx, s.options.Namespace, metav1.GetOptions{})
	switch {
	case err == nil:
		return true, nil
	case apierrors.IsNotFound(err):
		return false, nil
	default:
		return false, fmt.Errorf("looking for namespace %s: %w", s.options.Namespace, err)
	}
}
