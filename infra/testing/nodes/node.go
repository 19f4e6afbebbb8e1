package nodes

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"

	"escala/infra/testing/fakecluster"
	"escala/infra/testing/kube"
)

// node is the name of the only node.
const node = "node"

// pod has the fields of a pod that a node acts on.
type pod struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		NodeName              string
		RestartPolicy         string
		ActiveDeadlineSeconds int64
		ImagePullSecrets      []reference
		Containers            []container
	}
	Status struct{ Phase string }
}

type container struct {
	Name, Image string
	Command     []string
	Env         []struct{ Name, Value string }
	EnvFrom     []struct {
		ConfigMapRef, SecretRef *reference
	}
}

type reference struct{ Name string }

// pods does the work of the scheduler and the node for each pod.
func (n *Nodes) pods(ctx context.Context) error {
	all, err := n.client.Resource(kube.Pods).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("listing the pods: %w", err)
	}
	there := map[types.UID]bool{}
	for i := range all.Items {
		var p pod
		content, err := all.Items[i].MarshalJSON()
		if err == nil {
			err = json.Unmarshal(content, &p)
		}
		if err != nil {
			return fmt.Errorf("reading pod %s: %w", all.Items[i].GetName(), err)
		}
		there[p.UID] = true
		if err := ignoreRaces(n.pod(ctx, p)); err != nil {
			return fmt.Errorf("pod %s/%s: %w", p.Namespace, p.Name, err)
		}
	}
	for uid := range n.running {
		if !there[uid] {
			delete(n.running, uid)
		}
	}
	for uid := range n.failed {
		if !there[uid] {
			delete(n.failed, uid)
		}
	}
	for uid := range n.reported {
		if !there[uid] {
			delete(n.reported, uid)
		}
	}
	return nil
}

// ignoreRaces ignores the errors about a pod that was changed or deleted in the
// meantime.
func ignoreRaces(err error) error {
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}

func (n *Nodes) pod(ctx context.Context, p pod) error {
	pods := n.client.Resource(kube.Pods).Namespace(p.Namespace)
	if p.DeletionTimestamp != nil {
		delete(n.running, p.UID)
		var now int64
		return pods.Delete(ctx, p.Name, metav1.DeleteOptions{GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &p.UID}})
	}
	if _, ready := n.running[p.UID]; ready {
		if p.Spec.RestartPolicy == restartNever {
			return n.end(ctx, p)
		}
		return nil
	}
	if tried, failed := n.failed[p.UID]; failed && time.Since(tried) < n.BackOff {
		return nil
	}
	started, trouble, err := n.start(ctx, p)
	if err != nil {
		return err
	}
	if trouble.Waiting != "" || trouble.Ended != "" {
		n.failed[p.UID] = time.Now()
	}
	if n.BackOff > 0 && trouble.Waiting == "ErrImagePull" {
		trouble.Waiting = "ImagePullBackOff"
	}
	if p.Spec.NodeName == "" && trouble.Unschedulable == "" {
		_, err := pods.Create(ctx, &unstructured.Unstructured{Object: map[string]any{
			"apiVersion": "v1", "kind": "Binding",
			"metadata": map[string]any{"name": p.Name, "namespace": p.Namespace},
			"target":   map[string]any{"apiVersion": "v1", "kind": "Node", "name": node},
		}}, metav1.CreateOptions{}, "binding")
		if err != nil {
			return err
		}
	}
	if err := n.report(ctx, p, trouble); err != nil {
		return err
	}
	if trouble == (fakecluster.Trouble{}) {
		n.running[p.UID] = started
	}
	return nil
}

// start returns the pod's first container, or the trouble that keeps the pod from
// running.
func (n *Nodes) start(ctx context.Context, p pod) (Container, fakecluster.Trouble, error) {
	var first Container
	for i, c := range p.Spec.Containers {
		started := Container{Namespace: p.Namespace, Pod: p.Name, Image: c.Image, Command: c.Command, Env: map[string]string{}, began: time.Now(), once: p.Spec.RestartPolicy == restartNever}
		var logins []string
		for _, secret := range p.Spec.ImagePullSecrets {
			data, err := kube.Data(ctx, n.client, kube.Secrets, p.Namespace, secret.Name)
			if err != nil && !apierrors.IsNotFound(err) {
				return first, fakecluster.Trouble{}, err
			}
			// If the secret does not exist, a kubelet tries without a login.
			logins = append(logins, data[".dockerconfigjson"])
		}
		release, refused := n.Pull(c.Image, logins)
		if refused != nil {
			return first, fakecluster.Trouble{Waiting: "ErrImagePull", Message: refused.Error()}, nil //nolint:nilerr // the refusal is the pod's, not the node's
		}
		started.Release = release
		for _, from := range c.EnvFrom {
			kind, name := kube.ConfigMaps, from.ConfigMapRef
			if from.SecretRef != nil {
				kind, name = kube.Secrets, from.SecretRef
			}
			data, err := kube.Data(ctx, n.client, kind, p.Namespace, name.Name)
			if apierrors.IsNotFound(err) {
				return first, fakecluster.Trouble{Waiting: "CreateContainerConfigError", Message: err.Error()}, nil
			}
			if err != nil {
				return first, fakecluster.Trouble{}, err
			}
			for key, value := range data {
				started.Env[key] = value
			}
		}
		for _, variable := range c.Env {
			started.Env[variable.Name] = variable.Value
		}
		if started.once {
			return started, fakecluster.Trouble{}, nil
		}
		if trouble := n.Run(started); trouble != (fakecluster.Trouble{}) {
			return first, trouble, nil
		}
		if i == 0 {
			first = started
		}
	}
	return first, fakecluster.Trouble{}, nil
}

// report is the status that a pod has received.
type report struct {
	namespace string
	// reason is the reason for which the pod's container waits, or "".
	reason string
	status map[string]any
}

// report sets the pod's status if it has changed.
func (n *Nodes) report(ctx context.Context, p pod, trouble fakecluster.Trouble) error {
	status := p.status(trouble)
	if reflect.DeepEqual(n.reported[p.UID].status, status) {
		return nil
	}
	reason := trouble.Waiting
	if trouble.Ended != "" {
		reason = crashed
	}
	n.reported[p.UID] = report{p.Namespace, reason, status}
	sent := (&unstructured.Unstructured{Object: status}).DeepCopy().Object
	if trouble == (fakecluster.Trouble{}) {
		n.addresses++
		address := fmt.Sprintf("10.1.%d.%d", n.addresses>>8&0xff, n.addresses&0xff)
		sent["podIP"], sent["podIPs"] = address, []any{map[string]any{"ip": address}}
	}
	for _, c := range sent["conditions"].([]any) {
		c.(map[string]any)["lastTransitionTime"] = time.Now().UTC().Format(time.RFC3339)
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.UID}, "status": sent})
	if err != nil {
		return err
	}
	_, err = n.client.Resource(kube.Pods).Namespace(p.Namespace).Patch(ctx, p.Name, types.MergePatchType, body, metav1.PatchOptions{}, "status")
	return err
}

// crashed is the waiting reason of a container that ends again and again.
const crashed = "CrashLoopBackOff"

// status returns the pod's status, without the fields that differ from pod to pod.
func (p pod) status(trouble fakecluster.Trouble) map[string]any {
	condition := func(kind string, holds bool, reason, message string) map[string]any {
		status := "True"
		if !holds {
			status = "False"
		}
		return map[string]any{"type": kind, "status": status, "reason": reason, "message": message}
	}
	if trouble.Unschedulable != "" {
		return map[string]any{"phase": "Pending", "conditions": []any{condition("PodScheduled", false, "Unschedulable", trouble.Unschedulable)}}
	}
	ready := trouble == (fakecluster.Trouble{})
	phase, state, last := "Running", map[string]any{"running": map[string]any{}}, map[string]any{}
	switch {
	case trouble.Waiting != "":
		phase, state = "Pending", map[string]any{"waiting": map[string]any{"reason": trouble.Waiting, "message": trouble.Message}}
	case trouble.Ended != "":
		state = map[string]any{"waiting": map[string]any{"reason": crashed, "message": "back-off"}}
		last = map[string]any{"terminated": map[string]any{"exitCode": int64(trouble.ExitCode), "reason": trouble.Ended}}
	}
	var containers []any
	for _, c := range p.Spec.Containers {
		containers = append(containers, map[string]any{
			"name": c.Name, "image": c.Image, "imageID": c.Image, "ready": ready, "started": ready,
			"restartCount": int64(trouble.Restarts), "state": state, "lastState": last,
		})
	}
	return map[string]any{
		"phase": phase, "containerStatuses": containers,
		"conditions": []any{
			condition("PodScheduled", true, "", ""), condition("Initialized", true, "", ""),
			condition("ContainersReady", ready, "", ""), condition("Ready", ready, "", trouble.Unready),
		},
	}
}
