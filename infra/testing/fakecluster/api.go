package fakecluster

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// answers returns the handler of the API server.
func (c *Cluster) answers() http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, answer func(r *http.Request) any) {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) {
			c.mu.Lock()
			defer c.mu.Unlock()
			object := answer(r)
			if object == nil {
				w.WriteHeader(http.StatusNotFound)
				object = map[string]any{"kind": "Status", "message": "not found"}
			}
			// The client of the test server is gone if the write fails.
			_ = json.NewEncoder(w).Encode(object)
		})
	}
	handle("/apis/apps/v1/namespaces/{namespace}/deployments/{name}", func(r *http.Request) any {
		if d := c.deployments[r.PathValue("namespace")+"/"+r.PathValue("name")]; d != nil {
			return c.annotated(d.object())
		}
		return nil
	})
	handle("/apis/apps/v1/namespaces/{namespace}/replicasets", func(r *http.Request) any {
		return list(c.selected(r), (*deployed).replicaSets)
	})
	handle("/api/v1/namespaces/{namespace}/pods", func(r *http.Request) any {
		return list(c.selected(r), (*deployed).pods)
	})
	handle("/api/v1/namespaces/{namespace}/events", func(r *http.Request) any {
		if selector := r.URL.Query().Get("fieldSelector"); selector != "" {
			return map[string]any{"items": c.events(selector)}
		}
		return c.page(r.URL.Query())
	})
	handle("/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/{name}", func(r *http.Request) any {
		if o := c.objects["HorizontalPodAutoscaler "+r.PathValue("namespace")+"/"+r.PathValue("name")]; o != nil {
			return o
		}
		return nil
	})
	handle("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods", func(r *http.Request) any {
		if c.Memory == "" {
			return nil // without a metrics server
		}
		items := []any{}
		for _, d := range c.deployments {
			if d.namespace != r.PathValue("namespace") {
				continue
			}
			for _, p := range d.pods() {
				items = append(items, map[string]any{
					"metadata":   map[string]any{"name": p.(map[string]any)["metadata"].(map[string]any)["name"]},
					"containers": []any{map[string]any{"name": "api", "usage": map[string]any{"cpu": "3m", "memory": c.Memory}}},
				})
			}
		}
		return map[string]any{"items": items}
	})
	handle("/apis/networking.k8s.io/v1/namespaces/{namespace}/ingresses/{name}", func(r *http.Request) any {
		class, ok := c.ingresses[r.PathValue("namespace")+"/"+r.PathValue("name")]
		if !ok {
			return nil
		}
		balancer := map[string]any{}
		if !c.Unaddressed {
			host, _, _ := strings.Cut(strings.TrimPrefix(c.way.URL, "http://"), ":")
			balancer["ingress"] = []any{map[string]any{"ip": host}}
			if c.Hostname != "" {
				balancer["ingress"] = []any{map[string]any{"hostname": c.Hostname}}
			}
		}
		return map[string]any{
			"metadata": map[string]any{"name": r.PathValue("name")},
			"spec":     map[string]any{"ingressClassName": class},
			"status":   map[string]any{"loadBalancer": balancer},
		}
	})
	handle("/apis/cert-manager.io/v1", func(*http.Request) any {
		if !c.CertManager {
			return nil
		}
		return map[string]any{"kind": "APIResourceList", "groupVersion": "cert-manager.io/v1"}
	})
	handle("/api/v1/namespaces/kube-system", func(*http.Request) any {
		return map[string]any{"metadata": map[string]any{"name": "kube-system", "uid": c.id}}
	})
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/services/{service}/proxy/{path...}", c.way.Config.Handler.ServeHTTP)
	mux.HandleFunc("GET /api/v1/namespaces/{namespace}/pods/{pod}/log", func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, d := range c.deployments {
			for _, s := range d.sets {
				if strings.HasPrefix(r.PathValue("pod"), d.name+"-"+s.hash+"-") {
					fmt.Fprint(w, s.trouble.Log)
				}
			}
		}
	})
	return mux
}

// ingress returns the handler of the ingress controller. It routes all requests
// to the one service that is not Redis.
func (c *Cluster) ingress() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		for key := range c.ingresses {
			if d := c.deployments[key]; d != nil && d.serving() != nil {
				w.Header().Set("X-Release", d.serving().release)
				return
			}
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	})
}

// selected returns the Deployments whose pods a request selects.
func (c *Cluster) selected(r *http.Request) []*deployed {
	var found []*deployed
	for _, d := range c.deployments {
		all := d.namespace == r.PathValue("namespace")
		for _, term := range strings.Split(r.URL.Query().Get("labelSelector"), ",") {
			key, value, _ := strings.Cut(term, "=")
			all = all && d.selector[key] == value
		}
		if all {
			found = append(found, d)
		}
	}
	return found
}

func list(of []*deployed, what func(*deployed) []any) any {
	items := []any{}
	for _, d := range of {
		items = append(items, what(d)...)
	}
	return map[string]any{"items": items}
}

// revisionOf returns the annotation with a revision.
func revisionOf(n int) map[string]any {
	return map[string]any{"deployment.kubernetes.io/revision": strconv.Itoa(n)}
}

// annotated adds the Annotations to an object.
func (c *Cluster) annotated(object map[string]any) any {
	annotations := object["metadata"].(map[string]any)["annotations"].(map[string]any)
	for key, value := range c.Annotations {
		annotations[key] = value
	}
	return object
}

func (d *deployed) object() map[string]any {
	total, updated, available := 0, 0, 0
	for i, s := range d.sets {
		total += s.pods
		if i == len(d.sets)-1 {
			updated = s.pods
		}
		if s.serves {
			available += s.pods
		}
	}
	last := d.sets[len(d.sets)-1]
	conditions := []any{}
	if last.trouble.Refused != "" {
		conditions = append(conditions, map[string]any{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": last.trouble.Refused})
	}
	return map[string]any{
		"metadata": map[string]any{"name": d.name, "generation": d.generation, "annotations": revisionOf(last.revision)},
		"spec": map[string]any{
			"replicas": d.replicas,
			"selector": map[string]any{"matchLabels": d.selector},
			"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "api", "image": d.image}}}},
		},
		"status": map[string]any{
			"observedGeneration": d.generation, "replicas": total, "updatedReplicas": updated,
			"readyReplicas": available, "availableReplicas": available, "conditions": conditions,
		},
	}
}

func (d *deployed) replicaSets() []any {
	var all []any
	for _, s := range d.sets {
		all = append(all, map[string]any{"metadata": map[string]any{
			"name": d.name + "-" + s.hash, "labels": map[string]any{"pod-template-hash": s.hash}, "annotations": revisionOf(s.revision),
			"creationTimestamp": s.made.UTC().Format(time.RFC3339),
		}, "spec": map[string]any{
			"template": map[string]any{"spec": map[string]any{"containers": []any{map[string]any{"name": "api", "image": s.image}}}},
		}})
	}
	return all
}

func (d *deployed) pods() []any {
	var all []any
	for _, s := range d.sets {
		for i := range s.pods {
			all = append(all, s.pod(fmt.Sprintf("%s-%s-%d", d.name, s.hash, i)))
		}
	}
	return all
}

// page returns a page of Events, with the token of the next one (Kubernetes API
// Concepts, "Retrieving large results sets in chunks").
func (c *Cluster) page(query url.Values) any {
	limit, err := strconv.Atoi(query.Get("limit"))
	if err != nil {
		limit = len(c.Events)
	}
	from, _ := strconv.Atoi(query.Get("continue"))
	to := min(from+limit, len(c.Events))
	next := ""
	if to < len(c.Events) {
		next = strconv.Itoa(to)
	}
	return map[string]any{"metadata": map[string]any{"continue": next}, "items": c.Events[from:to]}
}
