package kubeapply

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// settings holds the provider's configuration.
type settings struct {
	// kubeconfig is the content or the path of a file. Empty means kubectl's
	// default.
	kubeconfig string
	// context is the context in the kubeconfig. Default: the current one.
	context string
	// namespace is the namespace of objects that name none. Default: the
	// context's namespace.
	namespace string
	// force takes over fields that another manager owns.
	force bool
	// mutableMaps and mutableSecrets change ConfigMaps and Secrets in place.
	mutableMaps, mutableSecrets bool
}

// cluster is a client of one API server.
type cluster struct {
	settings
	dynamic dynamic.Interface
	http    *http.Client
	host    string

	mu    sync.Mutex
	kinds map[schema.GroupVersion][]metav1.APIResource
}

func connect(s settings) (*cluster, error) {
	config, namespace, err := s.load()
	if err != nil {
		return nil, err
	}
	if s.namespace == "" {
		s.namespace = namespace
	}
	// The limits allow several objects at once, each of which is read often
	// during a wait.
	config.QPS, config.Burst = 50, 100
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("making a client: %w", err)
	}
	plain, err := rest.HTTPClientFor(config)
	if err != nil {
		return nil, fmt.Errorf("making an HTTP client: %w", err)
	}
	base, _, err := rest.DefaultServerUrlFor(config)
	if err != nil {
		return nil, fmt.Errorf("reading the server's address: %w", err)
	}
	return &cluster{settings: s, dynamic: client, http: plain, host: base.String(), kinds: map[schema.GroupVersion][]metav1.APIResource{}}, nil
}

// load reads the kubeconfig as pulumi-kubernetes does: from its content, its
// path, or kubectl's default.
func (s settings) load() (*rest.Config, string, error) {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	overrides := &clientcmd.ConfigOverrides{CurrentContext: s.context}
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
	if s.kubeconfig != "" {
		if _, err := os.Stat(s.kubeconfig); err == nil {
			rules.ExplicitPath = s.kubeconfig
		} else {
			content, err := clientcmd.Load([]byte(s.kubeconfig))
			if err != nil {
				return nil, "", fmt.Errorf("reading the kubeconfig: %w", err)
			}
			loader = clientcmd.NewNonInteractiveClientConfig(*content, s.context, overrides, nil)
		}
	}
	config, err := loader.ClientConfig()
	if err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig: %w", err)
	}
	namespace, _, err := loader.Namespace()
	if err != nil {
		return nil, "", fmt.Errorf("reading the kubeconfig's namespace: %w", err)
	}
	return config, namespace, nil
}

// kind looks up the server's resource for a kind. client-go's own discovery
// would compile every type of Kubernetes into the program.
func (c *cluster) kind(ctx context.Context, gvk schema.GroupVersionKind) (metav1.APIResource, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list, known := c.kinds[gvk.GroupVersion()]
	if !known {
		var err error
		if list, err = c.discover(ctx, gvk.GroupVersion()); err != nil {
			return metav1.APIResource{}, err
		}
		c.kinds[gvk.GroupVersion()] = list
	}
	for _, r := range list {
		if r.Kind == gvk.Kind {
			return r, nil
		}
	}
	// The definition may have been created since the last lookup.
	delete(c.kinds, gvk.GroupVersion())
	return metav1.APIResource{}, fmt.Errorf("the cluster has no %s in %s", gvk.Kind, gvk.GroupVersion())
}

func (c *cluster) discover(ctx context.Context, gv schema.GroupVersion) ([]metav1.APIResource, error) {
	path := "/apis/" + gv.String()
	if gv.Group == "" {
		path = "/api/" + gv.Version
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.host+path, nil)
	if err != nil {
		return nil, fmt.Errorf("asking the cluster for the kinds of %s: %w", gv, err)
	}
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking the cluster for the kinds of %s: %w", gv, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("asking the cluster for the kinds of %s: it answers %s", gv, resp.Status)
	}
	var list metav1.APIResourceList
	if err := json.NewDecoder(resp.Body).Decode(&list); err != nil {
		return nil, fmt.Errorf("reading the kinds of %s: %w", gv, err)
	}
	return withoutSubresources(list.APIResources), nil
}

// withoutSubresources removes "deployments/scale" and the like, some of which
// have the kind of their parent.
func withoutSubresources(all []metav1.APIResource) []metav1.APIResource {
	var out []metav1.APIResource
	for _, r := range all {
		if !strings.Contains(r.Name, "/") {
			out = append(out, r)
		}
	}
	return out
}

// of returns the client for an object's collection, in the object's namespace
// if the kind has namespaces. An object without a namespace gets the default
// one.
func (c *cluster) of(ctx context.Context, o *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	gvk := o.GroupVersionKind()
	kind, err := c.kind(ctx, gvk)
	if err != nil {
		return nil, err
	}
	collection := c.dynamic.Resource(gvk.GroupVersion().WithResource(kind.Name))
	if !kind.Namespaced {
		return collection, nil
	}
	if o.GetNamespace() == "" {
		o.SetNamespace(c.namespace)
	}
	return collection.Namespace(o.GetNamespace()), nil
}

// apply applies an object. With dry it only returns the result that an apply
// would have.
func (c *cluster) apply(ctx context.Context, o *unstructured.Unstructured, dry bool) (*unstructured.Unstructured, error) {
	collection, err := c.of(ctx, o)
	if err != nil {
		return nil, err
	}
	body, err := o.MarshalJSON()
	if err != nil {
		return nil, fmt.Errorf("writing %s: %w", describe(o), err)
	}
	force := c.force || o.GetAnnotations()["pulumi.com/patchForce"] == "true"
	options := metav1.PatchOptions{FieldManager: manager, Force: &force, FieldValidation: metav1.FieldValidationStrict}
	if dry {
		options.DryRun = []string{metav1.DryRunAll}
	}
	return collection.Patch(ctx, o.GetName(), types.ApplyPatchType, body, options)
}

// get returns the object's state in the cluster.
func (c *cluster) get(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	collection, err := c.of(ctx, o)
	if err != nil {
		return nil, err
	}
	return collection.Get(ctx, o.GetName(), metav1.GetOptions{})
}

// describe returns a display name of an object.
func describe(o *unstructured.Unstructured) string {
	if o.GetNamespace() == "" {
		return o.GetKind() + " " + o.GetName()
	}
	return o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName()
}
