// Package fakecluster simulates a Kubernetes cluster for tests. It takes the
// objects from an offline provider, does immediately what controllers,
// kubelets and an ingress controller would do, and answers the few API requests
// that the gate makes.
package fakecluster

import (
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"

	"escala/infra/engine/offline"
)

// Cluster is a cluster with one ingress controller.
type Cluster struct {
	// Pull simulates a node's image pull. It returns the release in the image,
	// for X-Release, or the reason for the failed pull. Default: it asks the
	// real registry.
	Pull func(image string) (release string, err error)
	// Private is the host of a registry that requires a login: pods must name a
	// secret with one. Default none.
	Private string
	// Trouble returns the failure of an image's pods. Default none.
	Trouble func(image string) Trouble
	// Fails returns the failure of pods with a new template, whatever their
	// image. Optional.
	Fails func(template string) Trouble
	// Unaddressed leaves the Ingress without an address.
	Unaddressed bool
	// Hostname is the host name that the Ingress gets instead of an IP address,
	// as from a load balancer of AWS. Default none.
	Hostname string
	// Memory is the memory of each pod in the metrics API ("24Mi"). Default: the
	// cluster has no metrics server.
	Memory string
	// Annotations are added to each Deployment in the API's answers. Default none.
	Annotations map[string]string
	// Events are the events of all namespaces, in the form of the API.
	Events []any
	// CertManager is true if the cluster has cert-manager.
	CertManager bool

	api, way *httptest.Server
	id       string

	mu          sync.Mutex
	deployments map[string]*deployed
	ingresses   map[string]string
	objects     map[string]map[string]any
	journal     []string
	occurrences map[string]int
}

// New starts a cluster. The caller must close it.
func New() *Cluster {
	c := &Cluster{deployments: map[string]*deployed{}, ingresses: map[string]string{}, objects: map[string]map[string]any{}, occurrences: map[string]int{}}
	c.Pull = func(image string) (string, error) { return Pull(image, authn.DefaultKeychain) }
	c.Trouble = func(string) Trouble { return Trouble{} }
	c.way = httptest.NewServer(c.ingress())
	c.api = httptest.NewServer(c.answers())
	host, port, _ := strings.Cut(strings.TrimPrefix(c.api.URL, "http://"), ":")
	c.id = fmt.Sprintf("%08x-0000-4000-8000-0000000%05s", len(host), port)
	return c
}

// Close stops the servers of the cluster.
func (c *Cluster) Close() {
	c.api.Close()
	c.way.Close()
}

// ID returns the UID of the namespace kube-system. It is different for each
// cluster.
func (c *Cluster) ID() string { return c.id }

// URL returns the address of the ingress controller.
func (c *Cluster) URL() string { return c.way.URL }

// Occurrences returns how often a behaviour of infra/testing/cloudfake's table
// occurred.
func (c *Cluster) Occurrences(behaviour string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.occurrences[behaviour]
}

// Journal returns the events in order.
func (c *Cluster) Journal() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.journal)
}

// Kubeconfig returns the content of a kubeconfig for this cluster.
func (c *Cluster) Kubeconfig() string {
	return fmt.Sprintf(`apiVersion: v1
kind: Config
clusters: [{name: fake, cluster: {server: %q}}]
users: [{name: fake, user: {token: not-a-secret}}]
contexts: [{name: fake, context: {cluster: fake, user: fake}}]
current-context: fake
`, c.api.URL)
}

// Effect carries out an operation of an offline provider. Pass it to
// clouds.Kubernetes.
func (c *Cluster) Effect(e *offline.Event) error {
	if e.Operation == offline.Read {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	object := offline.Plain(e.Inputs)
	meta, _ := object["metadata"].(map[string]any)
	name, _ := meta["name"].(string)
	namespace, _ := meta["namespace"].(string)
	key := namespace + "/" + name
	kind, _ := object["kind"].(string)
	if err := c.record(e.Operation, kind, key, object); err != nil {
		return err
	}
	c.journal = append(c.journal, fmt.Sprintf("%s %s %s", e.Operation, kind, name))
	gone := e.Operation == offline.Delete
	switch kind {
	case "Deployment":
		if gone {
			delete(c.deployments, key)
			return nil
		}
		return c.deploy(key, namespace, name, object["spec"].(map[string]any))
	case "HorizontalPodAutoscaler":
		spec := object["spec"].(map[string]any)
		target := spec["scaleTargetRef"].(map[string]any)["name"].(string)
		if d := c.deployments[namespace+"/"+target]; d != nil && !gone {
			least, _ := spec["minReplicas"].(float64)
			d.replicas = max(d.replicas, int(least))
			d.roll()
		}
	case "Ingress":
		if gone {
			delete(c.ingresses, key)
			return nil
		}
		spec := object["spec"].(map[string]any)
		class, _ := spec["ingressClassName"].(string)
		c.ingresses[key] = class
	}
	return nil
}

// record records which objects exist. Since 4.29.0 pulumi-kubernetes creates with
// POST, which fails if the name is taken.
func (c *Cluster) record(operation offline.Operation, kind, key string, object map[string]any) error {
	id := kind + " " + key
	switch {
	case kind == "":
		// This is a Helm release; Helm itself keeps track of its releases.
	case operation == offline.Create && c.objects[id] != nil:
		c.occurrences["object-exists"]++
		return fmt.Errorf("%s %q already exists", strings.ToLower(kind)+"s", key[strings.Index(key, "/")+1:])
	case operation == offline.Create, operation == offline.Update:
		c.objects[id] = object
	case operation == offline.Delete:
		delete(c.objects, id)
	}
	return nil
}
