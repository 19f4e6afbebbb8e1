// Package manifests renders a cluster stack's objects as plain manifests for
// kubectl apply. The objects come from a preview of the program, so no second
// description exists.
package manifests

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"escala/infra/plan"
	"escala/infra/plan/preview"
	"escala/infra/plan/unpack"
	"escala/infra/targets/kubernetes"
)

// Set holds the objects of a stack.
type Set struct {
	// Stack is the stack's name, and Release its release's id.
	Stack, Release string
	// Objects holds the objects in the form that an API server accepts, whole
	// numbers as int64, in the order of their registration. It contains no Secret.
	Objects []map[string]any
	// Secrets lists the Secrets that a person has to create.
	Secrets []Secret
	// Unknown lists the places of values that only an update knows, as "Kind name:
	// path". These places hold made-up values.
	Unknown []string
	// Others lists the resources of the stack that are not Kubernetes objects.
	Others []string
}

// Secret describes a Secret that an object refers to.
type Secret struct {
	Namespace, Name string
	// Keys lists the names of the environment variables in the Secret.
	Keys []string
}

// Render previews a stack and returns its objects. It needs no cluster.
func Render(ctx context.Context, o preview.Options) (Set, error) {
	planned, _, err := preview.Stack(ctx, o)
	if err != nil {
		return Set{}, err
	}
	if planned.Error != "" {
		return Set{}, errors.New(planned.Error)
	}
	set := FromPlan(planned)
	if len(set.Objects) == 0 {
		return Set{}, fmt.Errorf("stack %s has nothing in a cluster: its target is %s", o.Stack, planned.Target)
	}
	return set, nil
}

// FromPlan returns the objects of a plan.
func FromPlan(planned plan.Stack) Set {
	set := Set{Stack: planned.Name, Release: planned.Release}
	renamed := map[string]string{}
	for _, r := range planned.Resources {
		object, ok := unpack.Object(r)
		if !ok {
			if !r.Component && !strings.HasPrefix(r.Type, "pulumi:") {
				set.Others = append(set.Others, r.Type+" "+r.Name)
			}
			continue
		}
		object = copyValue(object).(map[string]any)
		strip(object)
		if object["kind"] == "Secret" {
			set.Secrets = append(set.Secrets, secretOf(object, renamed))
			continue
		}
		set.Objects = append(set.Objects, object)
	}
	for _, object := range set.Objects {
		rename(object, renamed)
		for _, path := range placeholders("", object) {
			set.Unknown = append(set.Unknown, fmt.Sprintf("%s %s: %s", object["kind"], meta(object)["name"], path))
		}
	}
	return set
}

// secretOf returns the data that a person needs to create a Secret. The name
// loses its checksum, since a preview does not know the values that the
// checksum is computed from.
func secretOf(object map[string]any, renamed map[string]string) Secret {
	s := Secret{}
	s.Namespace, _ = meta(object)["namespace"].(string)
	name, _ := meta(object)["name"].(string)
	s.Name = name
	if i := strings.LastIndex(name, kubernetes.SecretSuffix+"-"); i >= 0 {
		s.Name = name[:i] + kubernetes.SecretSuffix
	}
	renamed[name] = s.Name
	data, _ := object["stringData"].(map[string]any)
	s.Keys = sortedKeys(data)
	return s
}
