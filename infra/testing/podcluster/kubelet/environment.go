//go:build linux

package kubelet

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"escala/infra/testing/kube"
)

// environment returns a container's variables: those of the image, of ConfigMaps
// and Secrets, and its own, later ones over earlier ones (kubelet_pods.go,
// makeEnvironmentVariables).
func (w *worker) environment(ctx context.Context, c kube.Container, image []string) (map[string]string, error) {
	env := map[string]string{"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	for _, variable := range image {
		name, value, _ := strings.Cut(variable, "=")
		env[name] = value
	}
	env["HOSTNAME"] = w.pod.Name
	env["KUBERNETES_SERVICE_HOST"], env["KUBERNETES_SERVICE_PORT"] = "10.0.0.1", "443"
	for _, from := range c.EnvFrom {
		kind, ref := kube.ConfigMaps, from.ConfigMapRef
		if from.SecretRef != nil {
			kind, ref = kube.Secrets, from.SecretRef
		}
		data, err := w.data(ctx, kind, ref.Name, isTrue(ref.Optional))
		if err != nil {
			return nil, err
		}
		for key, value := range data {
			env[from.Prefix+key] = value
		}
	}
	for _, variable := range c.Env {
		value := expand(variable.Value, env)
		if from := variable.ValueFrom; from != nil {
			var err error
			there := true
			switch {
			case from.FieldRef != nil:
				value, err = w.field(from.FieldRef.FieldPath)
			case from.ConfigMapKeyRef != nil:
				value, there, err = w.key(ctx, kube.ConfigMaps, *from.ConfigMapKeyRef)
			case from.SecretKeyRef != nil:
				value, there, err = w.key(ctx, kube.Secrets, *from.SecretKeyRef)
			case from.ResourceFieldRef != nil:
				value, err = limit(c, from.ResourceFieldRef.Resource)
			}
			if err != nil {
				return nil, fmt.Errorf("variable %s: %w", variable.Name, err)
			}
			if !there {
				continue
			}
		}
		env[variable.Name] = value
	}
	return env, nil
}

// data returns the data of a ConfigMap or a Secret.
func (w *worker) data(ctx context.Context, kind schema.GroupVersionResource, name string, optional bool) (map[string]string, error) {
	data, err := kube.Data(ctx, w.kubelet.options.Client, kind, w.pod.Namespace, name)
	switch {
	case apierrors.IsNotFound(err) && optional:
		return nil, nil
	case apierrors.IsNotFound(err):
		return nil, fmt.Errorf("%s %q not found", strings.TrimSuffix(kind.Resource, "s"), name)
	case err != nil:
		return nil, fmt.Errorf("reading %s %s: %w", kind.Resource, name, err)
	}
	return data, nil
}

func (w *worker) key(ctx context.Context, kind schema.GroupVersionResource, ref kube.KeyReference) (value string, there bool, err error) {
	data, err := w.data(ctx, kind, ref.Name, isTrue(ref.Optional))
	if err != nil {
		return "", false, err
	}
	if value, there = data[ref.Key]; !there && !isTrue(ref.Optional) {
		return "", false, fmt.Errorf("couldn't find key %s in %s %s", ref.Key, kind.Resource, ref.Name)
	}
	return value, there, nil
}

var quotedKey = regexp.MustCompile(`^metadata\.(labels|annotations)\['(.+)'\]$`)

// field returns a field of the pod (kubelet_pods.go, podFieldSelectorRuntimeValue).
func (w *worker) field(path string) (string, error) {
	if key := quotedKey.FindStringSubmatch(path); key != nil {
		if key[1] == "labels" {
			return w.pod.Labels[key[2]], nil
		}
		return w.pod.Annotations[key[2]], nil
	}
	switch path {
	case "metadata.name":
		return w.pod.Name, nil
	case "metadata.namespace":
		return w.pod.Namespace, nil
	case "metadata.uid":
		return string(w.pod.UID), nil
	case "spec.nodeName":
		return w.pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return w.pod.Spec.ServiceAccountName, nil
	case "status.podIP", "status.podIPs":
		return w.sandbox.Address.String(), nil
	case "status.hostIP", "status.hostIPs":
		return w.kubelet.options.Address.String(), nil
	}
	return "", fmt.Errorf("field %s is not one that a pod's variables may have", path)
}

// limit returns a limit of the container as a number, rounded up as the kubelet
// does with the divisor 1.
func limit(c kube.Container, name string) (string, error) {
	from, resourceName, ok := strings.Cut(name, ".")
	amounts := c.Resources.Limits
	if from == "requests" {
		amounts = c.Resources.Requests
	}
	text, there := amounts[resourceName]
	if !ok || !there {
		return "", fmt.Errorf("the container has no %s", name)
	}
	amount, err := resource.ParseQuantity(text)
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	return strconv.FormatInt(amount.Value(), 10), nil
}

var reference = regexp.MustCompile(`\$\$|\$\([^()]*\)`)

// expand replaces $(NAME) by the value of a known variable, and $$ by $.
func expand(text string, env map[string]string) string {
	return reference.ReplaceAllStringFunc(text, func(found string) string {
		if found == "$$" {
			return "$"
		}
		if value, ok := env[found[2:len(found)-1]]; ok {
			return value
		}
		return found
	})
}

func expandAll(texts []string, env map[string]string) []string {
	all := slices.Clone(texts)
	for i := range all {
		all[i] = expand(all[i], env)
	}
	return all
}

func isTrue(b *bool) bool { return b != nil && *b }
