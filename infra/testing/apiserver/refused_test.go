package apiserver_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"escala/infra/testing/apiserver"
)

// wrong lists invalid changes to an object of each kind, with a part of the
// server's error.
var wrong = map[string][]struct {
	field   []string
	value   any
	message string
}{
	"Namespace":      {{[]string{"metadata", "labels", "a"}, "no label", "metadata.labels: Invalid value"}},
	"ServiceAccount": {{[]string{"automountServiceAccountToken"}, "no", "expected"}},
	"ConfigMap": {
		{[]string{"data", "no key"}, "x", "a valid config key"},
		{[]string{"data", "PORT"}, "1", "field is immutable"},
	},
	"Secret": {
		{[]string{"data"}, map[string]any{"KEY": "no base64"}, "illegal base64"},
		{[]string{"stringData", "DATABASE_URL"}, "another", "field is immutable"},
	},
	"Service": {
		{[]string{"spec", "sessionAffinity"}, "Cookie", "supported values"},
		{[]string{"spec", "ipFamilyPolicy"}, "Both", "supported values"},
	},
	"Ingress": {
		{[]string{"spec", "rules"}, []any{map[string]any{"host": "*"}}, "spec.rules[0].host"},
		{[]string{"spec", "ingressClassName"}, "No Class", "spec.ingressClassName"},
	},
	"NetworkPolicy":       {{[]string{"spec", "policyTypes"}, []any{"Sideways"}, "supported values"}},
	"PodDisruptionBudget": {{[]string{"spec", "minAvailable"}, int64(1), "minAvailable and maxUnavailable cannot be both set"}},
	"HorizontalPodAutoscaler": {
		{[]string{"spec", "maxReplicas"}, int64(1), "must be greater than or equal to `minReplicas`"},
		{[]string{"spec", "behavior", "scaleDown", "stabilizationWindowSeconds"}, int64(7200), "must be less than or equal to"},
	},
	"Deployment": {
		{[]string{"spec", "selector", "matchLabels", "app.kubernetes.io/component"}, "another", "`selector` does not match template `labels`"},
		// A pod's grace period must be longer than the time for which it
		// announces its end.
		{[]string{"spec", "template", "spec", "terminationGracePeriodSeconds"}, int64(1), "less than terminationGracePeriodSeconds (1)"},
		{[]string{"spec", "progressDeadlineSeconds"}, int64(1), "must be greater than minReadySeconds"},
	},
	"IngressClass": {{[]string{"spec", "controller"}, "no controller", "spec.controller"}},
}

// TestTheServerRefusesWhatIsWrong checks that the server refuses the rendered
// objects if they are invalid. Only then does it prove something that the server
// accepts them.
func TestTheServerRefusesWhatIsWrong(t *testing.T) {
	server := apiserver.Start(t)
	cluster := server.Objects(t)
	seen := map[string]bool{}
	for _, on := range []string{"kubernetes", "aws-eks"} {
		for _, name := range []string{"default", "secrets and environment"} {
			objects := descriptions[name].objects(t, stacks[on], newNamespace())
			applyAll(t, cluster, objects)
			for _, object := range objects {
				u := unstructured.Unstructured{Object: object}
				kind := u.GetKind()
				if kind == "Deployment" && slices.Contains(slices.Collect(maps.Keys(seen)), kind) {
					continue
				}
				seen[kind] = true
				require.NotEmpty(t, wrong[kind], "nothing breaks %s here yet", kind)
				for _, way := range wrong[kind] {
					if len(way.field) > 0 && way.field[0] == "stringData" && object["stringData"] == nil {
						continue
					}
					if kind == "ConfigMap" && way.field[0] == "data" && object["immutable"] != true {
						continue // EKS' own, amazon-vpc-cni, may change
					}
					broken := clone(object)
					require.NoError(t, unstructured.SetNestedField(broken, way.value, way.field...))
					_, err := cluster.Apply(t.Context(), broken)
					require.ErrorContains(t, err, way.message, "%s with %v", kindAndName(object), way.field)
				}
				misspelt := clone(object)
				misspelt["speck"] = map[string]any{"a": "b"}
				_, err := cluster.Apply(t.Context(), misspelt)
				require.ErrorContains(t, err, "speck", kind)
			}
		}
	}
	for kind := range wrong {
		assert.True(t, seen[kind], "%s is not rendered any more", kind)
	}
	cluster.Warnings()
}

// TestRestrictedIsEnforced checks that the server refuses the Deployments' pods
// after each change that the restricted standard forbids.
func TestRestrictedIsEnforced(t *testing.T) {
	server := apiserver.Start(t)
	cluster := server.Objects(t)
	objects := descriptions["default"].objects(t, onKubernetes, newNamespace())
	applyAll(t, cluster, objects)
	deployment := ofKind(objects, "Deployment")[0]
	for name, loosen := range map[string]func(spec, container map[string]any){
		"privileged":             func(_, c map[string]any) { c["securityContext"] = map[string]any{"privileged": true} },
		"root":                   func(s, _ map[string]any) { s["securityContext"].(map[string]any)["runAsUser"] = int64(0) },
		"runAsNonRoot":           func(s, _ map[string]any) { delete(s["securityContext"].(map[string]any), "runAsNonRoot") },
		"seccompProfile":         func(s, _ map[string]any) { delete(s["securityContext"].(map[string]any), "seccompProfile") },
		"unrestricted capabilit": func(_, c map[string]any) { delete(c["securityContext"].(map[string]any), "capabilities") },
		"allowPrivilegeEscalation": func(_, c map[string]any) {
			delete(c["securityContext"].(map[string]any), "allowPrivilegeEscalation")
		},
		"host namespaces": func(s, _ map[string]any) { s["hostNetwork"] = true },
		"volume type": func(s, _ map[string]any) {
			s["volumes"] = append(s["volumes"].([]any), map[string]any{"name": "root", "hostPath": map[string]any{"path": "/"}})
		},
	} {
		broken := pod(t, deployment)
		spec := broken["spec"].(map[string]any)
		loosen(spec, spec["containers"].([]any)[0].(map[string]any))
		_, err := cluster.Create(t.Context(), broken)
		require.ErrorContains(t, err, `violates PodSecurity "restricted:latest"`, name)

		// The server accepts a Deployment with it and only warns, so the tests
		// allow no warning.
		if name == "root" {
			warned := clone(deployment)
			pod := warned["spec"].(map[string]any)["template"].(map[string]any)["spec"].(map[string]any)
			loosen(pod, pod["containers"].([]any)[0].(map[string]any))
			cluster.Warnings()
			_, err := cluster.Apply(t.Context(), warned)
			require.NoError(t, err)
			require.Len(t, cluster.Warnings(), 1)
		}
	}
}
