package cloudfake

// kubernetesDiff has the table of properties that replace an object.
const kubernetesDiff = "https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/diff.go"

// kubernetesTypes lists the facts in the provider's source about each kind. A
// changed name or namespace replaces an object of any kind. If the program sets the
// name, and name and namespace stay the same, the object is deleted before its
// replacement is created.
var kubernetesTypes = map[string]Type{
	"kubernetes:apps/v1:Deployment":                       {kubernetesDiff, ""},
	"kubernetes:autoscaling/v2:HorizontalPodAutoscaler":   {kubernetesDiff, ""},
	"kubernetes:batch/v1:CronJob":                         {kubernetesDiff, ""},
	"kubernetes:cert-manager.io/v1:Issuer":                {kubernetesDiff, ""},
	"kubernetes:core/v1:ConfigMap":                        {kubernetesDiff, "Unless the provider's enableConfigMapMutable is set."},
	"kubernetes:core/v1:Namespace":                        {kubernetesDiff, "Its deletion is awaited, with all that is in it."},
	"kubernetes:core/v1:Secret":                           {kubernetesDiff, "Unless the provider's enableSecretMutable is set."},
	"kubernetes:core/v1:Service":                          {kubernetesDiff, ""},
	"kubernetes:core/v1:ServiceAccount":                   {kubernetesDiff, ""},
	"kubernetes:eks.amazonaws.com/v1:IngressClassParams":  {kubernetesDiff, ""},
	"kubernetes:helm.sh/v3:Release":                       {"https://github.com/pulumi/pulumi-kubernetes/blob/master/provider/pkg/provider/helm_release.go", ""},
	"kubernetes:networking.k8s.io/v1:Ingress":             {kubernetesDiff, ""},
	"kubernetes:networking.k8s.io/v1:IngressClass":        {kubernetesDiff, "An API server refuses another controller."},
	"kubernetes:networking.k8s.io/v1:NetworkPolicy":       {kubernetesDiff, ""},
	"kubernetes:policy/v1:PodDisruptionBudget":            {kubernetesDiff, ""},
	"kubernetes:rbac.authorization.k8s.io/v1:ClusterRole": {kubernetesDiff, ""},
	"kubernetes:rbac.authorization.k8s.io/v1:RoleBinding": {kubernetesDiff, ""},
}
