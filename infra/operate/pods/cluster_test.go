package pods

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"escala/infra/operate"
	"escala/service"
)

func TestTheServicesDeploymentIsFoundInTheState(t *testing.T) {
	t.Parallel()
	deployment := func(id, component string) operate.Resource {
		return operate.Resource{Type: deploymentType, ID: id, Outputs: map[string]any{
			"metadata": map[string]any{"labels": map[string]any{componentLabel: component}},
		}}
	}
	redis, process := deployment("shop/api-redis", "redis"), deployment("shop/api-mailer", "mailer")
	for name, tt := range map[string]struct {
		resources []operate.Resource
		want      string
	}{
		"it is there":                {[]operate.Resource{redis, deployment("shop/api", "service"), process}, "shop/api"},
		"an older state, no labels":  {[]operate.Resource{redis, {Type: deploymentType, ID: "shop/api"}}, "shop/api"},
		"service.name changes":       {[]operate.Resource{redis, deployment("shop/former", "service"), process}, "shop/former"},
		"the update failed before":   {[]operate.Resource{redis, process}, "/"},
		"the update failed at start": {nil, "/"},
	} {
		spec := service.NewSpec()
		spec.Name = "api"
		namespace, deployment, ok := DeploymentOf(&operate.Stack{Spec: spec, Resources: tt.resources})
		assert.Equal(t, tt.want, namespace+"/"+deployment, name)
		assert.Equal(t, tt.want != "/", ok, name)
	}
}
