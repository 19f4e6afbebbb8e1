package kube

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
)

// Change is an object that was added, changed or deleted.
type Change struct {
	Object  *unstructured.Unstructured
	Deleted bool
}

// retry is the time between the end of a watch and the next list.
const retry = 100 * time.Millisecond

// Follow calls changed for each object of a kind in all namespaces, and then for
// each change, until ctx ends. It lists and watches, so it has the same delay as
// the clients of a real cluster: kubelet, kube-proxy, ingress controllers.
func Follow(ctx context.Context, client dynamic.Interface, kind schema.GroupVersionResource, changed func(Change)) {
	f := follower{kind: kind, changed: changed, objects: map[types.UID]*unstructured.Unstructured{}}
	for ctx.Err() == nil {
		// An error ends the watch, as a restart of the API server does. The next list
		// contains the changes in between.
		_ = f.listAndWatch(ctx, client)
		select {
		case <-ctx.Done():
		case <-time.After(retry):
		}
	}
}

type follower struct {
	kind    schema.GroupVersionResource
	changed func(Change)
	objects map[types.UID]*unstructured.Unstructured
}

// listAndWatch lists and then watches until the watch ends.
func (f *follower) listAndWatch(ctx context.Context, client dynamic.Interface) error {
	all, err := client.Resource(f.kind).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing %s: %w", f.kind.Resource, err)
	}
	listed := map[types.UID]bool{}
	for i := range all.Items {
		listed[all.Items[i].GetUID()] = true
		f.put(&all.Items[i])
	}
	for uid, object := range f.objects {
		if !listed[uid] {
			f.drop(object)
		}
	}
	w, err := client.Resource(f.kind).Watch(ctx, metav1.ListOptions{ResourceVersion: all.GetResourceVersion()})
	if err != nil {
		return fmt.Errorf("watching %s: %w", f.kind.Resource, err)
	}
	defer w.Stop()
	for event := range w.ResultChan() {
		object, ok := event.Object.(*unstructured.Unstructured)
		if !ok {
			return fmt.Errorf("watching %s: %s", f.kind.Resource, event.Type)
		}
		switch event.Type {
		case watch.Added, watch.Modified:
			f.put(object)
		case watch.Deleted:
			f.drop(object)
		case watch.Error:
			return fmt.Errorf("watching %s: %v", f.kind.Resource, object.Object["message"])
		case watch.Bookmark:
		}
	}
	return nil
}

func (f *follower) put(object *unstructured.Unstructured) {
	if before := f.objects[object.GetUID()]; before != nil && before.GetResourceVersion() == object.GetResourceVersion() {
		return
	}
	f.objects[object.GetUID()] = object
	f.changed(Change{Object: object})
}

func (f *follower) drop(object *unstructured.Unstructured) {
	delete(f.objects, object.GetUID())
	f.changed(Change{Object: object, Deleted: true})
}
