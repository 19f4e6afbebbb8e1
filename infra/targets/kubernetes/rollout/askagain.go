package rollout

import (
	"context"
	"slices"
	"time"
)

// requestedAtAnnotation is the annotation of a ReplicaSet with the time of the last
// update that requested its pods again.
const requestedAtAnnotation = "escala/asked"

// backOffs are the waiting reasons of containers that a kubelet does not retry for
// a while: for up to 5 min after several failures. The back-off belongs to the pod,
// so another pod is tried at once (pkg/kubelet/images/image_manager.go,
// pkg/kubelet/kuberuntime/helpers.go).
var backOffs = []string{"ImagePullBackOff", "CrashLoopBackOff"}

// askAgain makes Kubernetes retry at once what failed since an earlier update: an
// image that could not be pulled, a service that ended, pods that a quota refused.
// Kubernetes retries by itself too, but waits in between: kubelets for up to 5 min,
// the controller of ReplicaSets for up to 1,000 s. If a request of askAgain fails,
// the retry is left to Kubernetes.
//
// Pods of a release that was just applied do not exist yet. A pod in a back-off
// does not serve, so it can be deleted.
func (r Rollout) askAgain(ctx context.Context, c *client) {
	ctx, cancel := context.WithTimeout(ctx, statusTimeout)
	defer cancel()
	for _, name := range append([]string{r.Deployment}, r.Dependencies...) {
		d, pods, missing := r.read(ctx, c, name)
		if missing != "" {
			continue
		}
		var sets struct{ Items []replicaSet }
		if err := c.get(ctx, "/apis/apps/v1/namespaces/"+r.Namespace+"/replicasets", selecting(d), &sets); err != nil {
			continue
		}
		current, exists := d.current(sets.Items)
		if !exists {
			continue
		}
		if refusedPods(d).kind != "" {
			// The controller processes a ReplicaSet each time that it changes.
			_ = c.patch(ctx, "/apis/apps/v1/namespaces/"+r.Namespace+"/replicasets/"+current.Name, map[string]any{
				"metadata": map[string]any{"annotations": map[string]string{requestedAtAnnotation: time.Now().UTC().Format(time.RFC3339)}},
			})
		}
		for _, p := range pods {
			if p.hash() == current.Labels["pod-template-hash"] && p.Metadata.DeletionTimestamp == nil && p.backsOff() {
				_ = c.remove(ctx, "/api/v1/namespaces/"+r.Namespace+"/pods/"+p.Metadata.Name)
			}
		}
	}
}

// backsOff reports whether a container waits until its kubelet retries it.
func (p *pod) backsOff() bool {
	return slices.ContainsFunc(p.Status.ContainerStatuses, func(c container) bool {
		return c.State.Waiting != nil && slices.Contains(backOffs, c.State.Waiting.Reason)
	})
}
