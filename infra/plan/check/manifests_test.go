package check

import (
	"testing"

	"escala/infra/plan"
)

// good returns a container without findings.
func good() m {
	return m{
		"name": "api", "image": "registry/api@sha256:00",
		"ports":     l{m{"containerPort": 3000.0}},
		"resources": m{"limits": m{"memory": "256Mi"}, "requests": m{"cpu": "100m", "memory": "256Mi"}},
		"securityContext": m{
			"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": m{"drop": l{"ALL"}},
		},
		"readinessProbe": m{"httpGet": m{}}, "livenessProbe": m{"httpGet": m{}},
		"lifecycle": m{"preStop": m{"sleep": m{"seconds": 5.0}}},
		"env":       l{m{"name": "DRAIN_TIMEOUT", "value": "20s"}},
	}
}

func workload(kind string, container, more m) plan.File {
	spec := m{
		"containers": l{container}, "terminationGracePeriodSeconds": 30.0, "automountServiceAccountToken": false,
		"securityContext": m{"runAsNonRoot": true, "seccompProfile": m{"type": "RuntimeDefault"}},
	}
	for key, value := range more {
		spec[key] = value
	}
	return plan.File{Path: "pod.yaml", Object: m{"kind": kind, "metadata": m{"name": "api"}, "spec": m{"template": m{"spec": spec}}}}
}

func TestBadManifestsAreFound(t *testing.T) {
	with := func(key string, value any) m {
		c := good()
		if value == nil {
			delete(c, key)
		} else {
			c[key] = value
		}
		return c
	}
	secure := func(key string, value any) m {
		c := good()
		own := c["securityContext"].(m)
		if value == nil {
			delete(own, key)
		} else {
			own[key] = value
		}
		return c
	}
	for name, one := range map[string]struct {
		manifests []plan.File
		want      []string
	}{
		"good":         {[]plan.File{workload("Deployment", good(), nil)}, nil},
		"latest":       {[]plan.File{workload("Deployment", with("image", "r:5000/api:latest"), nil)}, []string{"error pod.yaml: api: runs r:5000/api:latest"}},
		"no tag":       {[]plan.File{workload("Deployment", with("image", "r:5000/api"), nil)}, []string{"error pod.yaml: api: runs r:5000/api,"}},
		"a tag":        {[]plan.File{workload("Deployment", with("image", "api:1.2"), nil)}, []string{"notice pod.yaml: api: runs api:1.2 by its tag"}},
		"no image":     {[]plan.File{workload("Deployment", with("image", nil), nil)}, []string{"error pod.yaml: api: has no image"}},
		"no resources": {[]plan.File{workload("Deployment", with("resources", nil), nil)}, []string{"error pod.yaml: api: has no memory limit", "warning pod.yaml: api: requests no cpu", "warning pod.yaml: api: requests no memory"}},
		"no readiness": {[]plan.File{workload("Deployment", with("readinessProbe", nil), nil)}, []string{"error pod.yaml: api: has no readinessProbe"}},
		"no liveness":  {[]plan.File{workload("StatefulSet", with("livenessProbe", nil), nil)}, []string{"warning pod.yaml: api: has no livenessProbe"}},
		"a job":        {[]plan.File{workload("Job", with("readinessProbe", nil), nil)}, nil},
		"root":         {[]plan.File{workload("Deployment", good(), m{"securityContext": m{"seccompProfile": m{}}})}, []string{"error pod.yaml: api: may run as root"}},
		"user 0":       {[]plan.File{workload("Deployment", secure("runAsUser", 0.0), nil)}, []string{"error pod.yaml: api: runs as root (runAsUser: 0)"}},
		"privileged":   {[]plan.File{workload("Deployment", secure("privileged", true), nil)}, []string{"error pod.yaml: api: is privileged"}},
		"escalation":   {[]plan.File{workload("Deployment", secure("allowPrivilegeEscalation", nil), nil)}, []string{"error pod.yaml: api: may gain privileges"}},
		"capabilities": {[]plan.File{workload("Deployment", secure("capabilities", nil), nil)}, []string{"warning pod.yaml: api: keeps root's capabilities"}},
		"writes":       {[]plan.File{workload("Deployment", secure("readOnlyRootFilesystem", nil), nil)}, []string{"warning pod.yaml: api: can write"}},
		"system calls": {[]plan.File{workload("Deployment", good(), m{"securityContext": m{"runAsNonRoot": true}})}, []string{"warning pod.yaml: api: may make any system call"}},
		"host network": {[]plan.File{workload("Deployment", good(), m{"hostNetwork": true})}, []string{"error pod.yaml: hostNetwork"}},
		"host path":    {[]plan.File{workload("Deployment", good(), m{"volumes": l{m{"name": "v", "hostPath": m{}}}})}, []string{"error pod.yaml: the volume v is a folder of the node"}},
		"host port":    {[]plan.File{workload("Deployment", with("ports", l{m{"hostPort": 80.0}}), nil)}, []string{"error pod.yaml: api: takes a port of its node"}},
		"a token":      {[]plan.File{workload("Deployment", good(), m{"automountServiceAccountToken": true})}, []string{"warning pod.yaml: every container gets a token"}},
		"killed":       {[]plan.File{workload("Deployment", good(), m{"terminationGracePeriodSeconds": 20.0})}, []string{"error pod.yaml: api: may take 25s to end (preStop 5s + DRAIN_TIMEOUT 20s), and is killed after terminationGracePeriodSeconds, 20s"}},
		"killed, by a ConfigMap": {
			[]plan.File{
				workload("Deployment", with("envFrom", l{m{"configMapRef": m{"name": "c"}}}), nil),
				{Path: "c.yaml", Object: m{"kind": "ConfigMap", "metadata": m{"name": "c"}, "data": m{"DRAIN_ANNOUNCE": "10s"}}},
			},
			[]string{"error pod.yaml: api: may take 35s to end"},
		},
		"a node's port": {
			[]plan.File{{Path: "s.yaml", Object: m{"kind": "Service", "spec": m{"type": "NodePort", "ports": l{m{"port": 80.0}}}}}},
			[]string{"error s.yaml: a Service of type NodePort opens port 80"},
		},
		"a balancer": {
			[]plan.File{{Path: "s.yaml", Object: m{"kind": "Service", "spec": m{"type": "LoadBalancer", "ports": l{m{"port": 443.0}, m{"port": 6379.0}}}}}},
			[]string{"error s.yaml: a Service of type LoadBalancer opens port 6379", "notice s.yaml: a Service of type LoadBalancer opens port 443"},
		},
		"two who scale": {
			[]plan.File{
				{Path: "d.yaml", Object: m{"kind": "Deployment", "metadata": m{"name": "api"}, "spec": m{"replicas": 3.0}}},
				{Path: "h.yaml", Object: m{"kind": "HorizontalPodAutoscaler", "spec": m{"scaleTargetRef": m{"kind": "Deployment", "name": "api"}}}},
			},
			[]string{"error d.yaml: has a fixed number of replicas under h.yaml"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			expect(t, one.want, findings(t, plan.Stack{Manifests: one.manifests}, noTools))
		})
	}
}
