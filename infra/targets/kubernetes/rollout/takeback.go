package rollout

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// takenBackAnnotation is the annotation of a Deployment whose release was taken back,
// with the reason. It exists only while the Deployment is paused.
const takenBackAnnotation = "escala/taken-back"

const (
	// takeBackTimeout limits a release's way out of service.
	takeBackTimeout = 90 * time.Second
	// maxReason is the longest reason in the annotation, in bytes.
	maxReason = 1024
)

// errTooLate means that no pod of the release before is left to take over.
var errTooLate = errors.New("no pod of the release before is left; make rollback returns to it")

// takeBack takes the release's pods out of service. The release before then serves
// alone. It returns the number of its pods.
//
// The Deployment keeps the release's template, so it is what Pulumi's state holds. It
// is paused, and the release's ReplicaSet has no pods. While a Deployment is paused,
// its controller starts no rollout and scales the one ReplicaSet that has pods, also
// for an autoscaler (pkg/controller/deployment/sync.go, sync and scale;
// util.FindActiveOrLatest). So it also adds pods of the release before that it had
// already removed. The next update resumes it.
func (r Rollout) takeBack(ctx context.Context, c *client, reason string) (serving int, err error) {
	// An interruption must not leave the release half in service.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), takeBackTimeout)
	defer cancel()
	err = c.patch(ctx, r.deploymentPath(), map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{takenBackAnnotation: reason[:min(len(reason), maxReason)]}},
		"spec":     map[string]any{"paused": true},
	})
	if err != nil {
		return 0, fmt.Errorf("pausing deployment %s: %w", r.Deployment, err)
	}
	emptied := false
	for {
		v := r.service(ctx, c)
		switch {
		case v.replicaSet == "": // the controller has not yet processed the change
		case len(v.before) == 0:
			return 0, errors.Join(errTooLate, r.resume(ctx, c))
		case !emptied:
			if err := c.patch(ctx, r.replicaSetPath(v.replicaSet), map[string]any{"spec": map[string]any{"replicas": 0}}); err != nil {
				return len(v.before), fmt.Errorf("removing the pods of release %s: %w", shortRelease(r.Image), err)
			}
			emptied = true
		case len(v.new) == 0:
			return len(v.before), nil
		}
		select {
		case <-ctx.Done():
			return len(v.before), fmt.Errorf("waiting until the pods of release %s are out of service: %w", shortRelease(r.Image), ctx.Err())
		case <-time.After(min(r.Poll, time.Second)):
		}
	}
}

// resume lets Kubernetes roll out a release that an earlier update has taken back.
func (r Rollout) resume(ctx context.Context, c *client) error {
	var d deployment
	switch err := c.get(ctx, r.deploymentPath(), nil, &d); {
	case errors.Is(err, errNotFound):
		return nil
	case err != nil:
		return err
	case d.Metadata.Annotations[takenBackAnnotation] == "":
		return nil
	}
	err := c.patch(ctx, r.deploymentPath(), map[string]any{
		"metadata": map[string]any{"annotations": map[string]any{takenBackAnnotation: nil}},
		"spec":     map[string]any{"paused": nil},
	})
	if err != nil {
		return fmt.Errorf("resuming deployment %s: %w", r.Deployment, err)
	}
	return nil
}

func (r Rollout) deploymentPath() string {
	return "/apis/apps/v1/namespaces/" + r.Namespace + "/deployments/" + r.Deployment
}

func (r Rollout) replicaSetPath(name string) string {
	return "/apis/apps/v1/namespaces/" + r.Namespace + "/replicasets/" + name
}
