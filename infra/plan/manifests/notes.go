package manifests

import (
	"fmt"
	"strings"

	"escala/infra/targets/kubernetes/rollout"
)

// notes returns the text about the steps that kubectl apply does not do.
func (s Set) notes(files []string) string {
	var b strings.Builder
	folder := "manifests/" + s.Stack
	fmt.Fprintf(&b, "# Manifests of stack %s\n\nRelease %.12s. Made by `make manifests STACK=%s`; change the stack's description, not these files.\n\n", s.Stack, s.Release, s.Stack)
	fmt.Fprintf(&b, "```sh\nkubectl apply -f %s\nkubectl -n %s rollout status deployment\n```\n", folder, s.namespace())
	if len(s.Secrets) > 0 {
		b.WriteString("\n## Secrets\n\nThey are not in these files. Create them after the namespace and before the rest:\n\n```sh\n")
		fmt.Fprintf(&b, "kubectl apply -f %s/%s\n", folder, files[0])
		for _, one := range s.Secrets {
			fmt.Fprintf(&b, "kubectl -n %s create secret generic %s", one.Namespace, one.Name)
			for _, key := range one.Keys {
				fmt.Fprintf(&b, " \\\n  --from-literal=%s=\"$%s\"", key, key)
			}
			b.WriteByte('\n')
		}
		b.WriteString("```\n\nAfter a change of one, `kubectl rollout restart deployment` makes the pods read it.\n")
	}
	if cronjob := s.releaseCommand(); cronjob != "" {
		job := fmt.Sprintf("%s-%.12s", cronjob, s.Release)
		b.WriteString("\n## Release command\n\nRun it before the new pods. `make up` does so once for each release; with these files that is yours to see to:\n\n```sh\n")
		for _, file := range files {
			if file != "deployment.yaml" {
				fmt.Fprintf(&b, "kubectl apply -f %s/%s\n", folder, file)
			}
		}
		fmt.Fprintf(&b, "kubectl -n %s create job %s --from=cronjob/%s\n", s.namespace(), job, cronjob)
		fmt.Fprintf(&b, "kubectl -n %s wait --for=condition=complete --timeout=15m job/%s\n```\n", s.namespace(), job)
	}
	b.WriteString("\n## Image\n\nThe Deployment names it by digest; nodes fetch it from the registry, where `make up` puts it. An image of your own is named by `image` in the stack's file.\n")
	if len(s.Unknown) > 0 {
		b.WriteString("\n## To fill in\n\nOnly an update knows these values; the files have placeholders:\n\n")
		for _, place := range s.Unknown {
			fmt.Fprintf(&b, "- %s\n", place)
		}
	}
	if len(s.Others) > 0 {
		b.WriteString("\n## Not in a cluster\n\nThese resources of the stack are not Kubernetes objects:\n\n")
		for _, one := range s.Others {
			fmt.Fprintf(&b, "- %s\n", one)
		}
	}
	b.WriteString("\n## What Pulumi does in addition\n\n`make up` waits until the release serves, reports the pods' own reasons if it does not, and removes obsolete objects; `kubectl apply` leaves earlier ConfigMaps behind (their names say what is in them).\n")
	return b.String()
}

// releaseCommand returns the name of the CronJob with the release command's Job, or
// "".
func (s Set) releaseCommand() string {
	for _, object := range s.Objects {
		labels, _ := meta(object)["labels"].(map[string]any)
		if object["kind"] == "CronJob" && labels["app.kubernetes.io/component"] == rollout.ReleaseComponent {
			name, _ := meta(object)["name"].(string)
			return name
		}
	}
	return ""
}

// namespace returns the service's namespace.
func (s Set) namespace() string {
	for _, object := range s.Objects {
		if object["kind"] == "Namespace" {
			name, _ := meta(object)["name"].(string)
			return name
		}
	}
	return "default"
}
