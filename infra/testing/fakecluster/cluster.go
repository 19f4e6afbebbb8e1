// Package fakecluster simulates a Kubernetes cluster for tests. It takes the
// objects from a recording provider, does immediately what controllers,
// kubelets and an ingress controller would do, and answers the few API requests
// that the gate makes.
package fakecluster

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"escala/infra/build/image"
	"escala/infra/engine/offline"
)

// Trouble is a failure that keeps the pods of an image from serving. The zero
// value means no failure.
type Trouble struct {
	// Waiting is the reason why a container does not start (ErrImagePull, …).
	// Message is the detail.
	Waiting, Message string
	// ExitCode, Restarts and Ended describe a container that ends repeatedly
	// ("Error", "OOMKilled").
	ExitCode, Restarts int
	Ended              string
	// Log is the container's output.
	Log string
	// Unready is the result of a failing probe of a running container.
	Unready string
	// Unschedulable is the reason why no node accepts the pod.
	Unschedulable string
	// Refused is the reason why no pod can be created.
	Refused string
}

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
	// CertManager is true if the cluster has cert-manager.
	CertManager bool

	api, way *httptest.Server
	id       string

	mu          sync.Mutex
	deployments map[string]*deployed
	ingresses   map[string]string
	objects     map[string]map[string]any
	journal     []string
	met         map[string]int
}

// deployed is a Deployment with its ReplicaSets.
type deployed struct {
	name, namespace string
	selector        map[string]any
	generation      int
	template        string
	image           string
	replicas        int
	sets            []*set
}

// set is a ReplicaSet and its pods.
type set struct {
	hash, image, release string
	revision             int
	pods                 int
	trouble              Trouble
	serves               bool
}

// New starts a cluster. The caller must close it.
func New() *Cluster {
	c := &Cluster{deployments: map[string]*deployed{}, ingresses: map[string]string{}, objects: map[string]map[string]any{}, met: map[string]int{}}
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

// Met returns how often a behaviour of infra/testing/cloudfake's table
// occurred.
func (c *Cluster) Met(behaviour string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.met[behaviour]
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

// Pull returns the release of an image in a registry, as its index states it.
func Pull(reference string, login authn.Keychain) (string, error) {
	ref, err := name.ParseReference(reference)
	if err != nil {
		return "", err
	}
	index, err := remote.Index(ref, remote.WithAuthFromKeychain(login))
	if err != nil {
		return "", err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return "", err
	}
	for _, m := range manifest.Manifests {
		if release := m.Annotations[image.ReleaseLabel]; release != "" {
			return release, nil
		}
	}
	return "", fmt.Errorf("image %s has no release", reference)
}

// Effect carries out an operation of a recording provider. Pass it to
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
	if err := c.keep(e.Operation, kind, key, object); err != nil {
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

// keep records which objects exist. Since 4.29.0 pulumi-kubernetes creates with
// POST, which fails if the name is taken.
func (c *Cluster) keep(operation offline.Operation, kind, key string, object map[string]any) error {
	id := kind + " " + key
	switch {
	case kind == "":
		// This is a Helm release; Helm itself keeps track of its releases.
	case operation == offline.Create && c.objects[id] != nil:
		c.met["object-exists"]++
		return fmt.Errorf("%s %q already exists", strings.ToLower(kind)+"s", key[strings.Index(key, "/")+1:])
	case operation == offline.Create, operation == offline.Update:
		c.objects[id] = object
	case operation == offline.Delete:
		delete(c.objects, id)
	}
	return nil
}

// deploy does the work of the Deployment's controller and of the nodes.
func (c *Cluster) deploy(key, namespace, name string, spec map[string]any) error {
	template, err := json.Marshal(spec["template"])
	if err != nil {
		return err
	}
	d := c.deployments[key]
	if d == nil {
		d = &deployed{
			name: name, namespace: namespace, replicas: 1,
			selector: spec["selector"].(map[string]any)["matchLabels"].(map[string]any),
		}
		c.deployments[key] = d
	}
	d.generation++
	if n, ok := spec["replicas"].(float64); ok {
		d.replicas = int(n)
	}
	if d.template != string(template) {
		d.template = string(template)
		pod := spec["template"].(map[string]any)["spec"].(map[string]any)
		d.image, _ = pod["containers"].([]any)[0].(map[string]any)["image"].(string)
		d.sets = append(d.sets, c.start(d))
	}
	d.roll()
	return nil
}

// start creates the ReplicaSet of a new template.
func (c *Cluster) start(d *deployed) *set {
	s := &set{image: d.image, revision: len(d.sets) + 1, hash: fmt.Sprintf("hash%d", len(d.sets)+1)}
	s.trouble = c.Trouble(d.image)
	if c.Fails != nil {
		s.trouble = c.Fails(d.template)
	}
	if s.trouble == (Trouble{}) && c.Private != "" && strings.HasPrefix(d.image, c.Private+"/") && !c.loggedIn(d) {
		c.met["pull-needs-login"]++
		s.trouble = Trouble{Waiting: "ErrImagePull", Message: "401 Unauthorized: " + c.Private}
	}
	if s.trouble == (Trouble{}) {
		release, err := c.Pull(d.image)
		if err != nil {
			s.trouble = Trouble{Waiting: "ErrImagePull", Message: err.Error()}
		}
		s.release = release
	}
	s.serves = s.trouble == (Trouble{})
	return s
}

// loggedIn reports whether a Deployment's pods name a secret with a login to
// the private registry.
func (c *Cluster) loggedIn(d *deployed) bool {
	var template struct {
		Spec struct{ ImagePullSecrets []struct{ Name string } }
	}
	if err := json.Unmarshal([]byte(d.template), &template); err != nil {
		return false
	}
	for _, named := range template.Spec.ImagePullSecrets {
		secret := c.objects["Secret "+d.namespace+"/"+named.Name]
		data, _ := secret["stringData"].(map[string]any)
		if login, _ := data[".dockerconfigjson"].(string); strings.Contains(login, c.Private) {
			return true
		}
	}
	return false
}

// roll replaces the pods of earlier sets by those of the last set, if it
// serves. Otherwise the last set has one pod that does not serve, or none if
// pods are refused.
func (d *deployed) roll() {
	last := d.sets[len(d.sets)-1]
	if !last.serves {
		last.pods = 1
		if last.trouble.Refused != "" {
			last.pods = 0
		}
		return
	}
	for _, s := range d.sets {
		s.pods = 0
	}
	last.pods = d.replicas
}

// serving returns the set whose pods serve, if any.
func (d *deployed) serving() *set {
	for _, s := range slices.Backward(d.sets) {
		if s.serves && s.pods > 0 {
			return s
		}
	}
	return nil
}
