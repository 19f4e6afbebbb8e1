package pods

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"escala/infra/operate"
	"escala/service"
)

// MaintenanceName returns the name of the ConfigMap with the page of a maintenance.
// No Pulumi program manages it. It is deleted with its namespace.
func MaintenanceName(service string) string { return service + "-maintenance" }

// MaintenanceFile is the key of the page, and so the name of its file in a pod.
const MaintenanceFile = "page.html"

// touched is an annotation that makes a pod's kubelet update its volumes at once
// (kubernetes.io/docs/tasks/configure-pod-container/configure-pod-configmap,
// "Mounted ConfigMaps are updated automatically"). Without it, that takes up to two
// minutes.
const touched = "escala.dev/maintenance"

// slowest is the time in which each pod must have applied a change.
const slowest = 3 * time.Minute

// ErrNoMaintenance means that the pods have no volume for a page.
var ErrNoMaintenance = errors.New("the pods that serve read no page: set maintenance: true in the cluster's section of the stack, and make up rolls them once; a later maintenance needs no release")

type configMap struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]any    `json:"metadata"`
	Data       map[string]string `json:"data"`
}

// Maintain changes the ConfigMap, and waits until each pod that serves reports the
// change. A pod that is created later has it from its start.
func (c *Cluster) Maintain(ctx context.Context, change operate.Maintenance, report func(string)) error {
	at, err := c.follows(ctx)
	if err != nil {
		return err
	}
	if err := c.putPage(ctx, change); err != nil {
		return err
	}
	began, checkedPods := time.Now(), map[string]bool{}
	last := ""
	for {
		missing, err := c.unfollowed(ctx, change, at, checkedPods)
		if err != nil {
			return fmt.Errorf("the maintenance is recorded: %w", err)
		}
		if len(missing) == 0 {
			return nil
		}
		if text := "waiting for pod " + strings.Join(missing, ", "); text != last {
			report(text)
			last = text
		}
		if time.Since(began) > slowest {
			return fmt.Errorf("the maintenance is recorded, but after %s these pods have not followed: %s", slowest, strings.Join(missing, ", "))
		}
		select {
		case <-time.After(pollInterval):
		case <-ctx.Done():
			return fmt.Errorf("the maintenance is recorded: %w: %s", ctx.Err(), last)
		}
	}
}

// follows returns the health endpoint of the Deployment's pods, if they read the
// page.
func (c *Cluster) follows(ctx context.Context) (probe, error) {
	var d struct {
		Spec struct {
			Template struct {
				Spec struct {
					Volumes    []struct{ ConfigMap struct{ Name string } }
					Containers []struct {
						Ports         []struct{ ContainerPort int }
						LivenessProbe struct{ HTTPGet struct{ Path string } }
					}
				}
			}
		}
	}
	if err := c.do(ctx, http.MethodGet, "/apis/apps/v1/namespaces/"+c.Namespace+"/deployments/"+c.Deployment, nil, nil, &d); err != nil {
		return probe{}, fmt.Errorf("reading the Deployment %s/%s: %w", c.Namespace, c.Deployment, err)
	}
	pod := d.Spec.Template.Spec
	for _, v := range pod.Volumes {
		if v.ConfigMap.Name == MaintenanceName(c.Deployment) && len(pod.Containers) > 0 && len(pod.Containers[0].Ports) > 0 {
			container := pod.Containers[0]
			return probe{container.Ports[0].ContainerPort, container.LivenessProbe.HTTPGet.Path}, nil
		}
	}
	return probe{}, ErrNoMaintenance
}

// probe is a pod's health endpoint. The API's proxy accepts a pod's port only by its
// number.
type probe struct {
	port int
	path string
}

// putPage writes the ConfigMap. Without a maintenance it has no page: a volume
// follows a changed object, but not always a deleted one.
func (c *Cluster) putPage(ctx context.Context, change operate.Maintenance) error {
	name := MaintenanceName(c.Deployment)
	object := configMap{"v1", "ConfigMap", map[string]any{
		"name": name, "namespace": c.Namespace,
		"labels": map[string]string{"app.kubernetes.io/name": c.Deployment, "app.kubernetes.io/managed-by": "escala"},
	}, map[string]string{}}
	if change.On {
		page := string(change.Page)
		if page == "" {
			page = service.MaintenancePage
		}
		object.Data[MaintenanceFile] = page
	}
	all := "/api/v1/namespaces/" + c.Namespace + "/configmaps"
	err := c.do(ctx, http.MethodPut, all+"/"+name, nil, object, nil)
	if code(err) == http.StatusNotFound {
		err = c.do(ctx, http.MethodPost, all, nil, object, nil)
	}
	if err != nil {
		return fmt.Errorf("writing the ConfigMap %s/%s: %w", c.Namespace, name, err)
	}
	return nil
}

// unfollowed returns the pods that are ready and have not applied the change. It
// makes each pod update its volumes once; checkedPods has those pods.
func (c *Cluster) unfollowed(ctx context.Context, change operate.Maintenance, at probe, checkedPods map[string]bool) ([]string, error) {
	_, all, err := c.pods(ctx)
	if err != nil {
		return nil, err
	}
	var missing []string
	for _, p := range all {
		if !p.ready() {
			continue // it gets no requests, and reads the page at its start
		}
		if !checkedPods[p.Metadata.UID] {
			checkedPods[p.Metadata.UID] = true
			patch := map[string]any{"metadata": map[string]any{"annotations": map[string]string{touched: time.Now().UTC().Format(time.RFC3339Nano)}}}
			// This is only faster. The operator may lack the permission, or the pod
			// is gone.
			_ = c.do(ctx, http.MethodPatch, "/api/v1/namespaces/"+c.Namespace+"/pods/"+p.Metadata.Name, nil, patch, nil)
		}
		on, err := c.maintained(ctx, p, at)
		if code(err) == http.StatusForbidden {
			return nil, fmt.Errorf("pods are asked through the API, for which pods/proxy is needed; they follow within two minutes: %w", err)
		}
		if err != nil || on != change.On {
			missing = append(missing, p.Metadata.Name)
		}
	}
	return missing, nil
}

// maintained queries a pod's health path, which the runtime answers itself.
func (c *Cluster) maintained(ctx context.Context, p pod, at probe) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	path := fmt.Sprintf("/api/v1/namespaces/%s/pods/%s:%d/proxy%s", c.Namespace, p.Metadata.Name, at.port, at.path)
	resp, err := c.send(ctx, http.MethodGet, path, nil, nil)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	return resp.Header.Get(service.MaintenanceHeader) == "on", nil
}
