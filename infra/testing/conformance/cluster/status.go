package cluster

import (
	"context"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/conformance"
	"escala/infra/testing/kube"
)

// The workload gives its pods these labels.
const (
	serviceLabels = "app.kubernetes.io/name=" + name + ",app.kubernetes.io/component=service"
	redisLabels   = "app.kubernetes.io/name=" + name + ",app.kubernetes.io/component=redis"
)

// Status derives the service's state from the cluster.
func (s *System) Status(ctx context.Context) (conformance.Status, error) {
	deployment, err := s.client.get(ctx, kube.Deployments)
	if err != nil {
		return conformance.Status{}, err
	}
	all, err := s.client.workers(ctx, serviceLabels)
	if err != nil {
		return conformance.Status{}, err
	}
	redis, err := s.client.workers(ctx, redisLabels)
	if err != nil {
		return conformance.Status{}, err
	}
	incident, err := s.incident(ctx)
	if err != nil {
		return conformance.Status{}, err
	}
	ready := serving(all)
	status := conformance.Status{
		Wanted:   wantedImage(deployment),
		Ready:    len(ready),
		Workers:  number(deployment, "spec", "replicas"),
		Reason:   described(append(all, redis...)),
		Incident: incident,
	}
	for i, p := range ready {
		switch {
		case i == 0:
			status.Serving = digest(p.image)
		case digest(p.image) != status.Serving:
			status.Serving = ""
			return status, nil
		}
	}
	if status.Reason == "" && len(ready) < status.Workers && status.Serving == status.Wanted {
		status.Reason = fmt.Sprintf("%d of %d pods are ready", len(ready), status.Workers)
	}
	if status.Reason == "" && len(serving(redis)) == 0 {
		status.Reason = "no pod of Redis is ready"
	}
	return status, nil
}

// wantedImage returns the digest of the Deployment's image.
func wantedImage(deployment *unstructured.Unstructured) string {
	for _, container := range slice(deployment.Object, "spec", "template", "spec", "containers") {
		image, _ := container["image"].(string)
		return digest(image)
	}
	return ""
}

// digest returns the digest of an image, which is the same in every registry.
func digest(image string) string {
	if _, after, ok := strings.Cut(image, "@sha256:"); ok {
		return after
	}
	return image
}

// incident returns the last event about the end of a container.
func (s *System) incident(ctx context.Context) (string, error) {
	all, err := s.client.list(ctx, kube.Events, "")
	if err != nil {
		return "", err
	}
	byAge(all)
	last := ""
	for i := range all {
		e := all[i].Object
		reason, _ := e["reason"].(string)
		message, _ := e["message"].(string)
		at, _ := e["lastTimestamp"].(string)
		pod, _, _ := unstructured.NestedString(e, "involvedObject", "name")
		switch reason {
		case "Killing", "BackOff", "Unhealthy", "Evicted", "Failed":
			last = strings.TrimSpace(fmt.Sprintf("%s pod %s: %s: %s", at, pod, reason, message))
		}
	}
	return last, nil
}
