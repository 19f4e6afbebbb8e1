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

// objectName is the path of an object's name.
const objectName = "metadata.name"

// Kubernetes returns an offline cluster that records requests. effect may be
// nil.
//
// pulumi-kubernetes compares objects field by field and replaces an object
// whose name changes. This cluster replaces only ConfigMaps and Secrets, by
// their content, which is immutable; a change of any other object is an update.
func Kubernetes(effect offline.Effect) *offline.Provider {
	return offline.New(offline.Schema{
		Package: "kubernetes",
		Version: "4.30.0",
		Config:  &kubernetes.ProviderArgs{},
		Resources: map[string]offline.Resource{
			"kubernetes:core/v1:Namespace":      {Args: &corev1.NamespaceArgs{}, State: corev1.Namespace{}},
			"kubernetes:core/v1:ServiceAccount": {Args: &corev1.ServiceAccountArgs{}, State: corev1.ServiceAccount{}},
			"kubernetes:core/v1:ConfigMap": {
				Args: &corev1.ConfigMapArgs{}, State: corev1.ConfigMap{}, Named: objectName,
				Replaces: []string{"data", "binaryData", "immutable", objectName},
			},
			"kubernetes:core/v1:Secret": {
				Args: &corev1.SecretArgs{}, State: corev1.Secret{}, Named: objectName,
				Replaces: []string{"data", "stringData", "immutable", "type", objectName},
			},
			"kubernetes:core/v1:Service":                          {Args: &corev1.ServiceArgs{}, State: corev1.Service{}},
			"kubernetes:apps/v1:Deployment":                       {Args: &appsv1.DeploymentArgs{}, State: appsv1.Deployment{}},
			"kubernetes:batch/v1:CronJob":                         {Args: &batchv1.CronJobArgs{}, State: batchv1.CronJob{}},
			"kubernetes:autoscaling/v2:HorizontalPodAutoscaler":   {Args: &autoscalingv2.HorizontalPodAutoscalerArgs{}, State: autoscalingv2.HorizontalPodAutoscaler{}},
			"kubernetes:networking.k8s.io/v1:Ingress":             {Args: &netv1.IngressArgs{}, State: netv1.Ingress{}},
			"kubernetes:networking.k8s.io/v1:IngressClass":        {Args: &netv1.IngressClassArgs{}, State: netv1.IngressClass{}, Replaces: []string{"spec"}},
			"kubernetes:networking.k8s.io/v1:NetworkPolicy":       {Args: &netv1.NetworkPolicyArgs{}, State: netv1.NetworkPolicy{}},
			"kubernetes:policy/v1:PodDisruptionBudget":            {Args: &policyv1.PodDisruptionBudgetArgs{}, State: policyv1.PodDisruptionBudget{}},
			"kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": {Args: &rbacv1.ClusterRoleArgs{}, State: rbacv1.ClusterRole{}},
			"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": {Args: &rbacv1.RoleBindingArgs{}, State: rbacv1.RoleBinding{}, Replaces: []string{"roleRef"}},
			ingressclass.ResourceType:                             {Args: &ingressclass.ObjectArgs{}, State: ingressclass.Params{}},
			certmanager.ResourceType:                              {Args: &certmanager.ObjectArgs{}, State: certmanager.Issuer{}},
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
