// Package manifests gives a cluster stack's objects as plain manifests, for
// kubectl apply: what the program itself registers, from a preview of it, and
// not a second description.
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

// Set are a stack's objects.
type Set struct {
	// Stack is the stack's name, and Release its release's id.
	Stack, Release string
	// Objects are as an API server takes them, whole numbers as int64, in the
	// order in which they were registered. No Secret is among them.
	Objects []map[string]any
	// Secrets are those that have to be made by hand.
	Secrets []Secret
	// Unknown are the places whose values only an update knows, as "Kind name:
	// path". What stands there is made up.
	Unknown []string
	// Others are the resources of the stack that are no objects of the cluster.
	Others []string
}

// Secret is a Secret that an object refers to.
type Secret struct {
	Namespace, Name string
	// Keys are the environment variables in it.
	Keys []string
}

// Render plans a stack and takes its objects. It needs no cluster.
func Render(ctx context.Context, o preview.Options) (Set, error) {
	planned, _, err := preview.Stack(ctx, o)
	if err != nil {
		return Set{}, err
	}
	if planned.Error != "" {
		return Set{}, errors.New(planned.Error)
	}
	set := Of(planned)
	if len(set.Objects) == 0 {
		return Set{}, fmt.Errorf("stack %s has nothing in a cluster: its target is %s", o.Stack, planned.Target)
	}
	return set, nil
}

// Of takes the objects out of a plan.
func Of(planned plan.Stack) Set {
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
		object = whole(object).(map[string]any)
		strip(object)
		if object["kind"] == "Secret" {
			set.Secrets = append(set.Secrets, secretOf(object, renamed))
			continue
		}
		set.Objects = append(set.Objects, object)
	}
	for _, object := range set.Objects {
		named(object, renamed)
		for _, path := range madeUp("", object) {
			set.Unknown = append(set.Unknown, fmt.Sprintf("%s %s: %s", object["kind"], meta(object)["name"], path))
		}
	}
	return set
}

// secretOf is what a person has to know of a Secret. The checksum in its name is
// of values that a preview does not know, so it is removed.
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
