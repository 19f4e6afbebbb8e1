package apiserver

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// Manager is the field manager that Apply applies as: pulumi-kubernetes' own
// name, so that a field that another one owns is one that Pulumi would meet.
const Manager = "pulumi-kubernetes"

// Objects are a server's, as one client that keeps its warnings sees them.
type Objects struct {
	client   dynamic.Interface
	warnings *warnings
}

// Objects returns a client of its own.
func (s *Server) Objects(t testing.TB) *Objects {
	t.Helper()
	kept := &warnings{}
	config := rest.CopyConfig(s.config)
	config.WarningHandler = kept
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatalf("making a client: %v", err)
	}
	return &Objects{client: client, warnings: kept}
}

// Apply applies an object server-side as Manager, in its own namespace. Unknown
// and doubled fields are refused, and fields of others are taken over.
func (o *Objects) Apply(ctx context.Context, object map[string]any) (*unstructured.Unstructured, error) {
	return o.patch(ctx, object, true)
}

// ApplyGently is Apply, but fails on a field that another manager owns.
func (o *Objects) ApplyGently(ctx context.Context, object map[string]any) (*unstructured.Unstructured, error) {
	return o.patch(ctx, object, false)
}

func (o *Objects) patch(ctx context.Context, object map[string]any, force bool) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{Object: object}
	body, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("writing %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	applied, err := o.in(u).Patch(ctx, u.GetName(), types.ApplyPatchType, body, metav1.PatchOptions{
		FieldManager: Manager, Force: &force, FieldValidation: metav1.FieldValidationStrict,
	})
	if err != nil {
		return nil, fmt.Errorf("applying %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	return applied, nil
}

// Create creates an object, with the same checks.
func (o *Objects) Create(ctx context.Context, object map[string]any) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{Object: object}
	created, err := o.in(u).Create(ctx, u, metav1.CreateOptions{FieldManager: Manager, FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		return nil, fmt.Errorf("creating %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	return created, nil
}

// Get is an object as it is now, found by its kind, namespace and name.
func (o *Objects) Get(ctx context.Context, object map[string]any) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{Object: object}
	return o.in(u).Get(ctx, u.GetName(), metav1.GetOptions{})
}

// Scale sets the number of an object's pods through its subresource, as the
// autoscaler does.
func (o *Objects) Scale(ctx context.Context, object map[string]any, replicas int64) error {
	u := &unstructured.Unstructured{Object: object}
	scale, err := o.in(u).Get(ctx, u.GetName(), metav1.GetOptions{}, "scale")
	if err != nil {
		return fmt.Errorf("reading the scale of %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	if err := unstructured.SetNestedField(scale.Object, replicas, "spec", "replicas"); err != nil {
		return fmt.Errorf("scaling %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	if _, err := o.in(u).Update(ctx, scale, metav1.UpdateOptions{FieldManager: "kube-controller-manager"}, "scale"); err != nil {
		return fmt.Errorf("scaling %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	return nil
}

// Warnings are what the server warned of since it was asked last: deprecated
// kinds, pods that the namespace's policy would refuse.
func (o *Objects) Warnings() []string { return o.warnings.take() }

// in is where an object lives. The name of a kind's collection is guessed, which
// is right for all kinds that are used here; client-go's discovery would compile
// every type that Kubernetes has into each test.
func (o *Objects) in(u *unstructured.Unstructured) dynamic.ResourceInterface {
	collection, _ := meta.UnsafeGuessKindToResource(u.GroupVersionKind())
	if u.GetNamespace() == "" {
		return o.client.Resource(collection)
	}
	return o.client.Resource(collection).Namespace(u.GetNamespace())
}

// warnings collects warning headers.
type warnings struct {
	mu    sync.Mutex
	texts []string
}

// HandleWarningHeader is rest.WarningHandler's.
func (w *warnings) HandleWarningHeader(_ int, _, text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.texts = append(w.texts, text)
}

func (w *warnings) take() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	texts := w.texts
	w.texts = nil
	return texts
}
