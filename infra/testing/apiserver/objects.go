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

// Manager is the field manager of Apply. It is pulumi-kubernetes' own name, so
// that Apply meets the same field conflicts as Pulumi.
const Manager = "pulumi-kubernetes"

// Objects is a client for a server's objects. It records the server's warnings.
type Objects struct {
	client   dynamic.Interface
	warnings *warnings
}

// Objects returns a new client.
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

// Apply applies an object server-side as Manager, in the object's namespace.
// The server refuses unknown and duplicate fields. Apply takes over fields of
// other managers.
func (o *Objects) Apply(ctx context.Context, object map[string]any) (*unstructured.Unstructured, error) {
	return o.patch(ctx, object, true)
}

// ApplyGently is like Apply, but fails on a field that another manager owns.
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

// Create creates an object with the same checks as Apply.
func (o *Objects) Create(ctx context.Context, object map[string]any) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{Object: object}
	created, err := o.in(u).Create(ctx, u, metav1.CreateOptions{FieldManager: Manager, FieldValidation: metav1.FieldValidationStrict})
	if err != nil {
		return nil, fmt.Errorf("creating %s %s: %w", u.GetKind(), u.GetName(), err)
	}
	return created, nil
}

// Get returns the current state of an object, by its kind, namespace and name.
func (o *Objects) Get(ctx context.Context, object map[string]any) (*unstructured.Unstructured, error) {
	u := &unstructured.Unstructured{Object: object}
	return o.in(u).Get(ctx, u.GetName(), metav1.GetOptions{})
}

// Delete deletes an object, by its kind, namespace and name.
func (o *Objects) Delete(ctx context.Context, object map[string]any) error {
	u := &unstructured.Unstructured{Object: object}
	return o.in(u).Delete(ctx, u.GetName(), metav1.DeleteOptions{})
}

// Scale sets the number of an object's pods through the scale subresource, as
// the autoscaler does.
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

// Warnings returns the server's warnings since the last call: deprecated kinds,
// pods that the namespace's policy would refuse.
func (o *Objects) Warnings() []string { return o.warnings.take() }

// in returns the client for an object's collection and namespace. It guesses
// the collection's name from the kind, which is right for all kinds used here.
// client-go's discovery would compile every type of Kubernetes into each test.
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

// HandleWarningHeader records a warning. See rest.WarningHandler.
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
