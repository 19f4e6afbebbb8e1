package check

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"escala/infra/plan"
	"escala/infra/plan/values"
)

// pod is the pod specification of a workload.
type pod struct {
	where string
	// serves reports whether the pods run permanently and answer requests.
	serves bool
	spec   map[string]any
}

// manifests checks the settings of pods.
func manifests(_ context.Context, s *subject) {
	for _, f := range s.Manifests {
		if p, ok := podOf(f); ok {
			s.pod(p)
		}
	}
	s.replicas()
}

func podOf(f plan.File) (pod, bool) {
	kind := values.Text(f.Object, "kind")
	var path []string
	switch kind {
	case "Pod":
		path = []string{"spec"}
	case "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job":
		path = []string{"spec", "template", "spec"}
	case "CronJob":
		path = []string{"spec", "jobTemplate", "spec", "template", "spec"}
	default:
		return pod{}, false
	}
	spec, ok := values.At(f.Object, path...).(map[string]any)
	return pod{where: f.Path, serves: kind != "Job" && kind != "CronJob" && kind != "Pod", spec: spec}, ok
}

func (s *subject) pod(p pod) {
	for _, key := range []string{"hostNetwork", "hostPID", "hostIPC"} {
		if values.Bool(p.spec, key) {
			s.add(plan.Error, p.where, key+": the pod is not isolated from its node", "none")
		}
	}
	for _, volume := range values.List(p.spec, "volumes") {
		if values.At(volume, "hostPath") != nil {
			s.add(plan.Error, p.where, "the volume "+values.Text(volume, "name")+" is a folder of the node (hostPath)", "emptyDir, or a claim")
		}
	}
	if token, set := values.At(p.spec, "automountServiceAccountToken").(bool); values.Text(p.spec, "serviceAccountName") == "" && (!set || token) {
		s.add(plan.Warning, p.where, "every container gets a token for the cluster's API", "automountServiceAccountToken: false")
	}
	grace, set := values.Number(p.spec, "terminationGracePeriodSeconds")
	if !set {
		grace = 30
	}
	for _, one := range values.List(p.spec, "initContainers") {
		s.container(p, one)
	}
	for _, one := range values.List(p.spec, "containers") {
		s.container(p, one)
		if !p.serves {
			continue
		}
		where := p.where + ": " + values.Text(one, "name")
		if len(values.List(one, "ports")) > 0 && values.At(one, "readinessProbe") == nil {
			s.add(plan.Error, where, "has no readinessProbe: requests arrive before it can answer", "a probe of the readiness path")
		}
		// A probe can check nothing in a container without a port.
		if len(values.List(one, "ports")) > 0 && values.At(one, "livenessProbe") == nil {
			s.add(plan.Warning, where, "has no livenessProbe: a hung process is not restarted", "a probe of the health path")
		}
		if need, parts := s.drain(one); need > time.Duration(grace)*time.Second {
			s.add(plan.Error, where, fmt.Sprintf("may take %s to end (%s), and is killed after terminationGracePeriodSeconds, %gs", need, parts, grace),
				"a grace period above the drain")
		}
	}
}

// drain returns the time that a container needs for an orderly end: its preStop
// plus the drain times in the service's environment. The text lists the parts.
func (s *subject) drain(container any) (time.Duration, string) {
	var sum time.Duration
	var parts []string
	if seconds, ok := values.Number(container, "lifecycle", "preStop", "sleep", "seconds"); ok && seconds > 0 {
		sum += time.Duration(seconds) * time.Second
		parts = append(parts, fmt.Sprintf("preStop %gs", seconds))
	}
	environment := map[string]string{}
	for _, from := range values.List(container, "envFrom") {
		for _, f := range s.Manifests {
			if values.Text(f.Object, "kind") == "ConfigMap" && values.Text(f.Object, "metadata", "name") == values.Text(from, "configMapRef", "name") {
				data, _ := values.At(f.Object, "data").(map[string]any)
				for key := range data {
					environment[key] = values.Text(data, key)
				}
			}
		}
	}
	for _, one := range values.List(container, "env") {
		environment[values.Text(one, "name")] = values.Text(one, "value")
	}
	for _, name := range []string{"DRAIN_ANNOUNCE", "DRAIN_TIMEOUT"} {
		if d, err := time.ParseDuration(environment[name]); err == nil && d > 0 {
			sum += d
			parts = append(parts, name+" "+d.String())
		}
	}
	return sum, strings.Join(parts, " + ")
}

func (s *subject) container(p pod, container any) {
	where := p.where + ": " + values.Text(container, "name")
	s.image(where, values.Text(container, "image"))
	limits, requests := values.At(container, "resources", "limits"), values.At(container, "resources", "requests")
	if values.At(limits, "memory") == nil {
		s.add(plan.Error, where, "has no memory limit: it can use up its node's memory", "resources.limits.memory")
	}
	for _, key := range []string{"cpu", "memory"} {
		if values.At(requests, key) == nil {
			s.add(plan.Warning, where, "requests no "+key+": the scheduler and the autoscaler cannot plan for it", "resources.requests."+key)
		}
	}
	containerContext, podContext := values.At(container, "securityContext"), values.At(p.spec, "securityContext")
	firstOf := func(key string) any {
		if v := values.At(containerContext, key); v != nil {
			return v
		}
		return values.At(podContext, key)
	}
	if firstOf("runAsNonRoot") != true {
		s.add(plan.Error, where, "may run as root", "securityContext.runAsNonRoot: true")
	}
	if user, ok := firstOf("runAsUser").(float64); ok && user == 0 {
		s.add(plan.Error, where, "runs as root (runAsUser: 0)", "another user")
	}
	if values.Bool(containerContext, "privileged") {
		s.add(plan.Error, where, "is privileged", "none")
	}
	if escalation, set := values.At(containerContext, "allowPrivilegeEscalation").(bool); !set || escalation {
		s.add(plan.Error, where, "may gain privileges", "securityContext.allowPrivilegeEscalation: false")
	}
	if !slices.Contains(textList(containerContext, "capabilities", "drop"), "ALL") {
		s.add(plan.Warning, where, "keeps root's capabilities", `securityContext.capabilities.drop: ["ALL"]`)
	}
	if !values.Bool(containerContext, "readOnlyRootFilesystem") {
		s.add(plan.Warning, where, "can write to its image's files", "securityContext.readOnlyRootFilesystem: true")
	}
	if firstOf("seccompProfile") == nil {
		s.add(plan.Warning, where, "may make any system call", "securityContext.seccompProfile.type: RuntimeDefault")
	}
	for _, port := range values.List(container, "ports") {
		if values.At(port, "hostPort") != nil {
			s.add(plan.Error, where, "takes a port of its node (hostPort)", "a Service")
		}
	}
}

func (s *subject) image(where, image string) {
	if strings.Contains(image, "@sha256:") {
		return
	}
	name := image[strings.LastIndex(image, "/")+1:]
	_, tag, tagged := strings.Cut(name, ":")
	switch {
	case image == "":
		s.add(plan.Error, where, "has no image", "an image by its digest")
	case !tagged || tag == "latest":
		s.add(plan.Error, where, "runs "+image+", a tag that may mean another image tomorrow", "a digest (@sha256:…), or a tag that stays")
	default:
		s.add(plan.Notice, where, "runs "+image+" by its tag, which its registry may move", "")
	}
}

// replicas finds workloads with both a fixed number of replicas and an
// autoscaler: each update undoes the scaling.
func (s *subject) replicas() {
	for _, hpa := range s.Manifests {
		if values.Text(hpa.Object, "kind") != "HorizontalPodAutoscaler" {
			continue
		}
		target := values.At(hpa.Object, "spec", "scaleTargetRef")
		for _, f := range s.Manifests {
			if values.Text(f.Object, "kind") != values.Text(target, "kind") || values.Text(f.Object, "metadata", "name") != values.Text(target, "name") {
				continue
			}
			if values.At(f.Object, "spec", "replicas") != nil {
				s.add(plan.Error, f.Path, "has a fixed number of replicas under "+hpa.Path+": every update undoes the scaling", "no spec.replicas")
			}
		}
	}
}
