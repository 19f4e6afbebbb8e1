//go:build linux

package kubelet

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"escala/infra/testing/kube"
)

// report reports the pod's status to the API server after each change, and a last
// time when stop is closed.
func (w *worker) report(ctx context.Context, stop <-chan struct{}) {
	for {
		last := false
		select {
		case <-w.changes:
		case <-stop:
			last = true
		}
		if err := w.send(ctx); err != nil && ctx.Err() == nil {
			switch {
			case apierrors.IsNotFound(err), apierrors.IsConflict(err):
				// The pod is gone, or its name belongs to another pod.
			case last:
				w.kubelet.failed(err)
			default:
				w.pause(ctx, time.Second)
				w.changed()
			}
		}
		if last {
			return
		}
	}
}

// send patches the status if it has changed.
func (w *worker) send(ctx context.Context) error {
	status := w.status()
	if reflect.DeepEqual(status, w.sent) {
		return nil
	}
	w.mu.Lock()
	gone := w.deleted
	w.mu.Unlock()
	if gone {
		return nil
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": w.pod.UID}, "status": status})
	if err != nil {
		return err
	}
	_, err = w.kubelet.options.Client.Resource(kube.Pods).Namespace(w.pod.Namespace).Patch(ctx, w.pod.Name, types.StrategicMergePatchType, body, metav1.PatchOptions{FieldManager: "kubelet"}, "status")
	if err == nil {
		w.sent = status
	}
	return err
}

// status returns the pod's status.
func (w *worker) status() map[string]any {
	w.mu.Lock()
	defer w.mu.Unlock()
	var containers []any
	var unready []string
	for _, c := range w.containers {
		containers = append(containers, c.status())
		if !c.ready {
			unready = append(unready, c.spec.Name)
		}
	}
	phase := w.phase()
	status := map[string]any{
		"phase": phase, "containerStatuses": containers,
		"startTime": rfc3339(w.began), "hostIP": w.kubelet.options.Address.String(),
		"hostIPs": []any{map[string]any{"ip": w.kubelet.options.Address.String()}},
	}
	if w.sandbox != nil {
		address := w.sandbox.Address.String()
		status["podIP"], status["podIPs"] = address, []any{map[string]any{"ip": address}}
	}
	reason, message := "", ""
	ready := len(unready) == 0
	switch {
	case phase == "Succeeded":
		ready, reason = false, "PodCompleted"
	case phase == "Failed":
		ready, reason = false, "PodFailed"
	case !ready:
		reason, message = "ContainersNotReady", "containers with unready status: ["+strings.Join(unready, " ")+"]"
	}
	status["conditions"] = []any{
		w.condition("PodReadyToStartContainers", w.sandbox != nil && phase != "Succeeded" && phase != "Failed", "", ""),
		w.condition("Initialized", true, "", ""),
		w.condition("Ready", ready, reason, message),
		w.condition("ContainersReady", ready, reason, message),
	}
	return status
}

// condition returns a condition with the time of its last change.
func (w *worker) condition(kind string, holds bool, reason, message string) map[string]any {
	status := "False"
	if holds {
		status = "True"
	}
	last := w.since[kind]
	if last.status != status {
		last = transition{status, time.Now()}
		w.since[kind] = last
	}
	condition := map[string]any{"type": kind, "status": status, "lastTransitionTime": rfc3339(last.at), "reason": nil, "message": nil}
	if reason != "" {
		condition["reason"] = reason
	}
	if message != "" {
		condition["message"] = message
	}
	return condition
}

// phase returns the pod's phase (kubelet_pods.go, getPhase).
func (w *worker) phase() string {
	running, waiting, stopped, succeeded := 0, 0, 0, 0
	for _, c := range w.containers {
		switch {
		case c.state.running():
			running++
		case c.state.terminated():
			stopped++
			if c.state.exitCode == 0 {
				succeeded++
			}
		case c.last.terminated():
			stopped++
		default:
			waiting++
		}
	}
	final := w.ended || slices.Contains([]string{"Never", "OnFailure"}, w.pod.Spec.RestartPolicy)
	switch {
	case waiting > 0:
		return "Pending"
	case running > 0 || !final:
		return "Running"
	case stopped == succeeded:
		return "Succeeded"
	case w.ended || w.pod.Spec.RestartPolicy == "Never":
		return "Failed"
	default:
		return "Running"
	}
}

func (s state) running() bool    { return !s.began.IsZero() && s.ended.IsZero() }
func (s state) terminated() bool { return !s.ended.IsZero() }

// object returns the state in the form of the API.
func (s state) object() map[string]any {
	switch {
	case s.running():
		return map[string]any{"running": map[string]any{"startedAt": rfc3339(s.began)}}
	case s.terminated():
		return map[string]any{"terminated": map[string]any{
			"exitCode": s.exitCode, "reason": s.reason, "message": s.message,
			"startedAt": rfc3339(s.began), "finishedAt": rfc3339(s.ended),
		}}
	case s.waiting != "":
		return map[string]any{"waiting": map[string]any{"reason": s.waiting, "message": s.message}}
	}
	return map[string]any{}
}

// status returns the container's status. The caller holds the worker's mutex.
func (c *container) status() map[string]any {
	status := map[string]any{
		"name": c.spec.Name, "image": c.spec.Image, "imageID": c.image.digest,
		"ready": c.ready, "started": c.started, "restartCount": c.restarts,
		"state": c.state.object(), "lastState": c.last.object(),
	}
	if c.id != "" {
		status["containerID"] = c.id
	}
	return status
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }
