// Package pods operates the service's pods on any Kubernetes cluster through its
// API, with what the operator's kubeconfig allows. It changes no object that the
// Pulumi program manages.
package pods

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"escala/infra/deploy/kubeconfig"
	"escala/infra/operate"
)

// Cluster is the service's part of a cluster.
type Cluster struct {
	// Namespace and Deployment are the names of the service's namespace and
	// Deployment.
	Namespace, Deployment string

	config *rest.Config
	http   *http.Client
	base   *url.URL
}

// deploymentType is the type of Deployments in a stack's state.
const deploymentType = "kubernetes:apps/v1:Deployment"

// Open returns the service's part of the stack's cluster. kubeconfig is the content
// of a kubeconfig. If it is empty, Open takes the one in the stack's state.
func Open(s *operate.Stack, kubeconfig string) (*Cluster, error) {
	if kubeconfig == "" {
		for _, r := range s.OfType("pulumi:providers:kubernetes") {
			if text := r.Text("kubeconfig"); text != "" {
				kubeconfig = text
			}
		}
	}
	namespace, name, ok := DeploymentOf(s)
	if !ok {
		return nil, operate.ErrNothing
	}
	return New(kubeconfig, namespace, name)
}

// DeploymentOf returns the namespace and the name of the service's Deployment, from
// the stack's state. It reports false if an update failed before it made one. Other
// Deployments of the stack, such as Redis', are not the service's.
func DeploymentOf(s *operate.Stack) (namespace, name string, ok bool) {
	for _, r := range s.OfType(deploymentType) {
		metadata, _ := r.Outputs["metadata"].(map[string]any)
		labels, _ := metadata["labels"].(map[string]any)
		if in, own, cut := strings.Cut(r.ID, "/"); cut && (own == s.Spec.Name || labels[componentLabel] == serviceComponent) {
			return in, own, true
		}
	}
	return "", "", false
}

// The workload gives its Deployments a label with their part in it.
const (
	componentLabel   = "app.kubernetes.io/component"
	serviceComponent = "service"
)

// New returns a service's part of the cluster of a kubeconfig with this content.
func New(content, namespace, deployment string) (*Cluster, error) {
	if content == "" {
		return nil, errors.New("the state has no kubeconfig for the cluster; make up writes it")
	}
	config, err := clientcmd.RESTConfigFromKubeConfig([]byte(content))
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig: %w", err)
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig's server: %w", err)
	}
	client, err := kubeconfig.HTTPClient(config)
	if err != nil {
		return nil, fmt.Errorf("reading the kubeconfig's login: %w", err)
	}
	return &Cluster{Namespace: namespace, Deployment: deployment, config: config, http: client, base: base}, nil
}

// Limits of a request that is not a stream.
const (
	askTimeout = 15 * time.Second
	maxAnswer  = 64 << 20 // bytes, about a thousand pods
)

// statusError is an answer of the API that is not a success.
type statusError struct {
	code    int
	message string
}

func (e *statusError) Error() string { return "Kubernetes API: " + e.message }

func code(err error) int {
	var status *statusError
	if errors.As(err, &status) {
		return status.code
	}
	return 0
}

// open makes a request and returns the body of a successful answer.
func (c *Cluster) open(ctx context.Context, method, path string, query url.Values, body []byte) (io.ReadCloser, error) {
	resp, err := c.send(ctx, method, path, query, body)
	if err != nil {
		return nil, err
	}
	return resp.Body, nil
}

// send makes a request and returns a successful answer.
func (c *Cluster) send(ctx context.Context, method, path string, query url.Values, body []byte) (*http.Response, error) {
	at := c.base.JoinPath(path)
	at.RawQuery = query.Encode()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json, */*")
	if body != nil {
		kind := "application/json"
		if method == http.MethodPatch {
			kind = "application/merge-patch+json"
		}
		req.Header.Set("Content-Type", kind)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the Kubernetes API: %w", err)
	}
	if resp.StatusCode/100 == 2 {
		return resp, nil
	}
	defer resp.Body.Close()
	said := struct{ Message string }{}
	content, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
	if json.Unmarshal(content, &said) != nil || said.Message == "" {
		said.Message = resp.Status
	}
	return nil, &statusError{resp.StatusCode, operate.Visible(said.Message)}
}

// do makes a request and decodes the answer into an object, if that is not nil.
func (c *Cluster) do(ctx context.Context, method, path string, query url.Values, send, into any) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	var body []byte
	if send != nil {
		var err error
		if body, err = json.Marshal(send); err != nil {
			return err
		}
	}
	answer, err := c.open(ctx, method, path, query, body)
	if err != nil {
		return err
	}
	defer answer.Close()
	content, err := io.ReadAll(io.LimitReader(answer, maxAnswer))
	if err != nil {
		return fmt.Errorf("asking the Kubernetes API: %w", err)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(content, into); err != nil {
		return fmt.Errorf("reading the Kubernetes API's answer for %s: %w", path, err)
	}
	return nil
}

// pod has the fields of a Pod that are used here.
type pod struct {
	Metadata struct {
		Name              string
		UID               string
		Labels            map[string]string
		CreationTimestamp time.Time
		DeletionTimestamp *time.Time
	}
	Spec struct {
		Containers []struct{ Name string }
	}
	Status struct {
		Phase      string
		Conditions []struct{ Type, Status string }
	}
}

func (p pod) ready() bool {
	if p.Metadata.DeletionTimestamp != nil {
		return false
	}
	for _, c := range p.Status.Conditions {
		if c.Type == "Ready" {
			return c.Status == "True"
		}
	}
	return false
}

func (p pod) container() string {
	if len(p.Spec.Containers) == 0 {
		return ""
	}
	return p.Spec.Containers[0].Name
}

// deployment has the fields of a Deployment that are used here.
type deployment struct {
	Spec struct {
		Replicas *int
		Selector struct{ MatchLabels map[string]string }
	}
}

// pods returns the wanted number of the service's pods, and the pods in the order of
// their creation.
func (c *Cluster) pods(ctx context.Context) (wanted int, pods []pod, err error) {
	var d deployment
	if err := c.do(ctx, http.MethodGet, "/apis/apps/v1/namespaces/"+c.Namespace+"/deployments/"+c.Deployment, nil, nil, &d); err != nil {
		return 0, nil, fmt.Errorf("reading the Deployment %s/%s: %w", c.Namespace, c.Deployment, err)
	}
	if len(d.Spec.Selector.MatchLabels) == 0 {
		return 0, nil, fmt.Errorf("the Deployment %s/%s has no labels to find its pods by", c.Namespace, c.Deployment)
	}
	var labels []string
	for key, value := range d.Spec.Selector.MatchLabels {
		labels = append(labels, key+"="+value)
	}
	slices.Sort(labels)
	if pods, err = c.labelled(ctx, strings.Join(labels, ",")); err != nil {
		return 0, nil, err
	}
	wanted = 1
	if d.Spec.Replicas != nil {
		wanted = *d.Spec.Replicas
	}
	return wanted, pods, nil
}

// labelled returns the pods that a label selector selects, in the order of their
// creation.
func (c *Cluster) labelled(ctx context.Context, selector string) ([]pod, error) {
	var list struct{ Items []pod }
	if err := c.do(ctx, http.MethodGet, "/api/v1/namespaces/"+c.Namespace+"/pods", url.Values{"labelSelector": {selector}}, nil, &list); err != nil {
		return nil, fmt.Errorf("listing the pods: %w", err)
	}
	slices.SortFunc(list.Items, func(a, b pod) int {
		if order := a.Metadata.CreationTimestamp.Compare(b.Metadata.CreationTimestamp); order != 0 {
			return order
		}
		return strings.Compare(a.Metadata.Name, b.Metadata.Name)
	})
	return list.Items, nil
}

// find returns the pod with a name, or the first one that is ready if the name is
// empty.
func find(pods []pod, name string) (pod, error) {
	var names []string
	for _, p := range pods {
		if name == p.Metadata.Name || name == "" && p.ready() {
			return p, nil
		}
		names = append(names, p.Metadata.Name)
	}
	if name == "" {
		return pod{}, errors.New("no pod of the service is ready")
	}
	return pod{}, fmt.Errorf("%.80q is not one of the service's pods: %s", name, strings.Join(names, ", "))
}
