package kubeapply

import (
	"reflect"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// immutable lists the fields of each kind whose change requires another object.
// It follows pulumi-kubernetes' own list, for the kinds that escala uses.
var immutable = map[string][][]string{
	"Deployment":         {{"spec", "selector"}},
	"DaemonSet":          {{"spec", "selector"}},
	"StatefulSet":        {{"spec", "selector"}, {"spec", "serviceName"}, {"spec", "podManagementPolicy"}, {"spec", "volumeClaimTemplates"}},
	"Service":            {{"spec", "clusterIP"}},
	"Secret":             {{"type"}},
	"RoleBinding":        {{"roleRef"}},
	"ClusterRoleBinding": {{"roleRef"}},
	"Job":                {{"spec", "selector"}, {"spec", "template"}, {"spec", "completions"}, {"spec", "parallelism"}},
}

// replacedBy returns the changed properties that require another object.
func (c *cluster) replacedBy(before, after *unstructured.Unstructured) []string {
	fields := append([][]string{{"apiVersion"}, {"kind"}, {"metadata", "name"}, {"metadata", "namespace"}}, immutable[after.GetKind()]...)
	frozen, _, _ := unstructured.NestedBool(after.Object, "immutable")
	switch after.GetKind() {
	case "ConfigMap":
		if frozen || !c.mutableMaps {
			fields = append(fields, []string{"data"}, []string{"binaryData"})
		}
	case "Secret":
		if frozen || !c.mutableSecrets {
			fields = append(fields, []string{"data"}, []string{"stringData"})
		}
	}
	var keys []string
	for _, field := range fields {
		was, _, _ := unstructured.NestedFieldNoCopy(before.Object, field...)
		is, _, _ := unstructured.NestedFieldNoCopy(after.Object, field...)
		if !reflect.DeepEqual(was, is) && (len(keys) == 0 || keys[len(keys)-1] != field[0]) {
			keys = append(keys, field[0])
		}
	}
	return keys
}
