package clouds

import (
	"fmt"

	"github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes"
	appsv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/apps/v1"
	autoscalingv2 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/autoscaling/v2"
	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	netv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/networking/v1"
	policyv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/policy/v1"
	rbacv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/rbac/v1"

	"escala/infra/deploy/helm"
	"escala/infra/engine/offline"
	"escala/infra/targets/awseks/ingressclass"
	"escala/infra/targets/kubernetes/certmanager"
)

// objectName is the path of an object's name, objectNamespace that of its
// namespace.
const (
	objectName      = "metadata.name"
	objectNamespace = "metadata.namespace"
)

// Kubernetes returns an offline cluster that records requests. effect may be
// nil.
//
// pulumi-kubernetes replaces an object whose name or namespace changes, and an
// object of some kinds for further properties (the table forceNew in
// provider/pkg/provider/diff.go). It makes all other changes in place, which an API
// server may refuse.
func Kubernetes(effect offline.Effect) *offline.Provider {
	return offline.New(offline.Schema{
		Package: "kubernetes",
		Version: "4.30.0",
		Config:  &kubernetes.ProviderArgs{},
		Resources: map[string]offline.Resource{
			"kubernetes:core/v1:Namespace":                        object(&corev1.NamespaceArgs{}, corev1.Namespace{}),
			"kubernetes:core/v1:ServiceAccount":                   object(&corev1.ServiceAccountArgs{}, corev1.ServiceAccount{}),
			"kubernetes:core/v1:ConfigMap":                        object(&corev1.ConfigMapArgs{}, corev1.ConfigMap{}, "data", "binaryData", "immutable"),
			"kubernetes:core/v1:Secret":                           object(&corev1.SecretArgs{}, corev1.Secret{}, "data", "stringData", "immutable", "type"),
			"kubernetes:core/v1:Service":                          object(&corev1.ServiceArgs{}, corev1.Service{}, "spec.clusterIP"),
			"kubernetes:apps/v1:Deployment":                       object(&appsv1.DeploymentArgs{}, appsv1.Deployment{}, "spec.selector"),
			"kubernetes:batch/v1:CronJob":                         object(&batchv1.CronJobArgs{}, batchv1.CronJob{}),
			"kubernetes:autoscaling/v2:HorizontalPodAutoscaler":   object(&autoscalingv2.HorizontalPodAutoscalerArgs{}, autoscalingv2.HorizontalPodAutoscaler{}),
			"kubernetes:networking.k8s.io/v1:Ingress":             object(&netv1.IngressArgs{}, netv1.Ingress{}),
			"kubernetes:networking.k8s.io/v1:IngressClass":        object(&netv1.IngressClassArgs{}, netv1.IngressClass{}),
			"kubernetes:networking.k8s.io/v1:NetworkPolicy":       object(&netv1.NetworkPolicyArgs{}, netv1.NetworkPolicy{}),
			"kubernetes:policy/v1:PodDisruptionBudget":            object(&policyv1.PodDisruptionBudgetArgs{}, policyv1.PodDisruptionBudget{}),
			"kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": object(&rbacv1.ClusterRoleArgs{}, rbacv1.ClusterRole{}),
			"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": object(&rbacv1.RoleBindingArgs{}, rbacv1.RoleBinding{}, "roleRef"),
			ingressclass.ResourceType:                             object(&ingressclass.ObjectArgs{}, ingressclass.Params{}),
			certmanager.ResourceType:                              object(&certmanager.ObjectArgs{}, certmanager.Issuer{}),
			helm.ResourceType:                                     {Args: &helm.ReleaseArgs{}, State: helm.Release{}, Replaces: []string{"name", "namespace"}},
		},
	}, func(e *offline.Event) error {
		if e.Operation == offline.Create {
			// An object's id is its namespace and name.
			meta, isObject := offline.Plain(e.Inputs)["metadata"].(map[string]any)
			if !isObject {
				// A Helm release has its name and namespace at the top level.
				meta = offline.Plain(e.Inputs)
			}
			name, _ := meta["name"].(string)
			if namespace, ok := meta["namespace"].(string); ok {
				name = namespace + "/" + name
			}
			e.ID = fmt.Sprintf("%s:%s", e.Type, name)
		}
		if effect == nil {
			return nil
		}
		return effect(e)
	})
}

// object returns the type of an object, which is replaced for further
// properties.
func object(args, state any, replaces ...string) offline.Resource {
	return offline.Resource{
		Args: args, State: state, Named: objectName,
		Replaces: append([]string{objectName, objectNamespace}, replaces...),
	}
}
