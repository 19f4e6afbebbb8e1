package nodes

import (
	"context"
	"encoding/json"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"escala/infra/testing/kube"
)

// End is the end of a container that is not restarted.
type End struct {
	// Status is the exit status. Log holds the last lines of the output.
	Status int
	Log    string
}

// restartNever is the restart policy of the Jobs' pods.
const restartNever = "Never"

// end ends a pod that is not restarted, if its container has ended or its deadline
// has passed.
func (n *Nodes) end(ctx context.Context, p pod) error {
	started := n.running[p.UID]
	end, reason := n.Ends(started), ""
	if limit := p.Spec.ActiveDeadlineSeconds; end == nil && limit > 0 && time.Since(started.began) > time.Duration(limit)*time.Second {
		end, reason = &End{Status: 137}, "DeadlineExceeded"
	}
	if end == nil || p.Status.Phase == "Succeeded" || p.Status.Phase == "Failed" {
		return nil
	}
	phase, how := "Succeeded", "Completed"
	if end.Status != 0 {
		phase, how = "Failed", "Error"
	}
	status := map[string]any{"phase": phase, "containerStatuses": []any{map[string]any{
		"name": p.Spec.Containers[0].Name, "image": p.Spec.Containers[0].Image, "imageID": p.Spec.Containers[0].Image,
		"ready": false, "started": false, "restartCount": 0,
		"state": map[string]any{"terminated": map[string]any{
			"exitCode": end.Status, "reason": how, "message": end.Log, "finishedAt": time.Now().UTC().Format(time.RFC3339),
		}},
	}}}
	if reason != "" {
		status["reason"] = reason
	}
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": p.UID}, "status": status})
	if err != nil {
		return err
	}
	_, err = n.client.Resource(kube.Pods).Namespace(p.Namespace).Patch(ctx, p.Name, types.MergePatchType, body, metav1.PatchOptions{}, "status")
	return err
}
