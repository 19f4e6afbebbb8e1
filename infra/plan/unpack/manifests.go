package unpack

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v3"

	"escala/infra/plan"
)

// Manifests returns the manifests of the Kubernetes provider's resources.
func Manifests(resources []plan.Resource, secrets *plan.Secrets) []plan.File {
	var manifests []plan.File
	for _, r := range resources {
		object, ok := Object(r)
		if !ok {
			continue
		}
		// The inputs for people already have their secrets masked.
		shown := map[string]any{}
		for key, value := range r.Inputs {
			shown[key] = value
		}
		shown["apiVersion"], shown["kind"] = object["apiVersion"], object["kind"]
		content := secrets.Mask(marshal(shown))
		manifests = append(manifests, plan.File{
			Path: strings.ToLower(object["kind"].(string)) + "-" + r.Name + ".yaml",
			Size: len(content), Content: content, Raw: marshal(object), Object: object,
		})
	}
	return manifests
}

// Object returns the Kubernetes object of a resource. The resource's type is
// kubernetes:<group>/<version>:<Kind>.
func Object(r plan.Resource) (map[string]any, bool) {
	parts := strings.Split(r.Type, ":")
	if len(parts) != 3 || parts[0] != "kubernetes" || r.Component || r.Raw == nil {
		return nil, false
	}
	group, version, ok := strings.Cut(parts[1], "/")
	if !ok || group == "helm.sh" || strings.HasPrefix(group, "yaml") {
		return nil, false
	}
	object := map[string]any{}
	for key, value := range r.Raw {
		object[key] = value
	}
	if object["apiVersion"] == nil {
		if group == "core" {
			object["apiVersion"] = version
		} else {
			object["apiVersion"] = group + "/" + version
		}
	}
	if kind, _ := object["kind"].(string); kind == "" {
		object["kind"] = parts[2]
	}
	return object, true
}

func marshal(object map[string]any) string {
	var b bytes.Buffer
	enc := yaml.NewEncoder(&b)
	enc.SetIndent(2)
	if err := enc.Encode(object); err != nil {
		return "# " + err.Error() + "\n"
	}
	return b.String()
}
