package rollout

import (
	"context"
	"slices"
	"time"
)

// askedAnnotation has the time of the last update that asked for a ReplicaSet's pods
// again.
const askedAnnotation = "escala/asked"

// backOffs are the reasons of containers that a kubelet leaves alone for a while,
// for up to 5 min after several failures. The back-off belongs to the pod, so another
// pod is tried at once (pkg/kubelet/images/image_manager.go,
// pkg/kubelet/kuberuntime/helpers.go).
var backOffs = []string{"ImagePullBackOff", "CrashLoopBackOff"}

// askAgain makes Kubernetes try at once what an earlier update left failing: an image
// that could not be pulled, a service that ended, pods that a quota refused. It does
// so by itself, but waits in between: kubelets for up to 5 min, the controller of
// ReplicaSets for up to 1,000 s. What fails here is left to Kubernetes.
//
// Pods of a release that was just applied are not there yet. One that waits in a
// back-off serves nothing.
func (r Rollout) askAgain(ctx context.Context, c *client) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	for _, name := range append([]string{r.Deployment}, r.Others...) {
		d, pods, missing := r.read(ctx, c, name)
		if missing != "" {
			continue
		}
		var sets struct{ Items []replicaSet }
		if err := c.get(ctx, "/apis/apps/v1/namespaces/"+r.Namespace+"/replicasets", selecting(d), &sets); err != nil {
			continue
		}
		current, there := d.current(sets.Items)
		if !there {
			continue
		}
		if refusedPods(d).kind != "" {
			// The controller looks at a ReplicaSet each time that it changes.
			_ = c.patch(ctx, "/apis/apps/v1/namespaces/"+r.Namespace+"/replicasets/"+current.Name, map[string]any{
				"metadata": map[string]any{"annotations": map[string]string{askedAnnotation: time.Now().UTC().Format(time.RFC3339)}},
			})
		}
		for _, p := range pods {
			if p.hash() == current.Labels["pod-template-hash"] && p.Metadata.DeletionTimestamp == nil && p.backsOff() {
				_ = c.remove(ctx, "/api/v1/namespaces/"+r.Namespace+"/pods/"+p.Metadata.Name)
			}
		}
	}
}

// backsOff reports whether a container waits until its kubelet tries it again.
func (p *pod) backsOff() bool {
	return slices.ContainsFunc(p.Status.ContainerStatuses, func(c container) bool {
		return c.State.Waiting != nil && slices.Contains(backOffs, c.State.Waiting.Reason)
	})
}
