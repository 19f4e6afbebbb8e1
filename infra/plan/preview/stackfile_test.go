package preview

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"gopkg.in/yaml.v3"

	"escala/infra/plan"
)

const encrypted = `secretsprovider: awskms://alias/team
encryptedkey: c29tZWJvZHkgZWxzZSdz
config:
  escala:target: aws-ec2
  digitalocean:token:
    secure: v1:c29t:ZWJvZHk=
  escala:service:
    secrets: [DATABASE_URL]
    workers: {count: 3}
  escala:secrets:
    DATABASE_URL:
      secure: v1:b25l:b25l
  escala:list:
    - plain
    - secure: v1:b25l:b25l
`

func TestPlaceholdersStandForWhatIsEncrypted(t *testing.T) {
	dir := t.TempDir()
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	require.NoError(t, os.WriteFile(from, []byte(encrypted), 0o600))
	var secrets plan.Secrets
	file, err := read(t.Context(), from, &secrets)
	require.NoError(t, err)
	assert.Equal(t, []string{"digitalocean:token", "escala:list[1]", "escala:secrets.DATABASE_URL"}, file.placeholders)
	assert.Equal(t, []string{"encryptedkey", "secretsprovider"}, file.unused)
	require.NoError(t, file.write(to))

	content, err := os.ReadFile(to)
	require.NoError(t, err)
	var written struct {
		Salt     string         `yaml:"encryptionsalt"`
		Provider string         `yaml:"secretsprovider"`
		Config   map[string]any `yaml:"config"`
	}
	require.NoError(t, yaml.Unmarshal(content, &written))
	assert.NotEmpty(t, written.Salt)
	assert.Empty(t, written.Provider)
	assert.Equal(t, "aws-ec2", written.Config["escala:target"])
	assert.Equal(t, map[string]any{"count": 3}, written.Config["escala:service"].(map[string]any)["workers"])
	token := written.Config["digitalocean:token"].(map[string]any)["secure"].(string)
	value, err := file.crypter.DecryptValue(t.Context(), token)
	require.NoError(t, err)
	assert.Equal(t, "placeholder-for-digitalocean:token", value)
	assert.Equal(t, []string{"the value of digitalocean:token"}, secrets.Found("x "+value))

	_, err = read(t.Context(), filepath.Join(dir, "none"), &secrets)
	require.ErrorContains(t, err, "reading the stack's configuration")
	require.NoError(t, os.WriteFile(from, []byte("config: ["), 0o600))
	_, err = read(t.Context(), from, &secrets)
	require.ErrorContains(t, err, "reading "+from)
}

func TestInputsAreShownWithoutSecrets(t *testing.T) {
	var secrets plan.Secrets
	props := resource.PropertyMap{
		"secret":   resource.MakeSecret(resource.NewStringProperty("the secret itself")),
		"nested":   resource.NewObjectProperty(resource.PropertyMap{"key": resource.MakeSecret(resource.NewStringProperty("another one"))}),
		"part":     resource.NewStringProperty("before the secret itself after"),
		"unknown":  resource.MakeComputed(resource.NewStringProperty("")),
		"path":     resource.NewStringProperty("/clone/.escala/build/x"),
		"policy":   resource.NewStringProperty(`{"Statement":[{"Action":"a"}]}`),
		"userData": resource.MakeSecret(resource.NewStringProperty("#cloud-config\n")),
		"number":   resource.NewNumberProperty(2),
		"__hidden": resource.NewStringProperty("x"),
	}
	learn(&secrets, "the Thing a's", props)
	shown := shower{secrets: &secrets, root: "/clone"}.inputs("x:y:Thing", props)
	assert.Equal(t, map[string]any{
		"secret": plan.Masked, "nested": map[string]any{"key": plan.Masked}, "part": "before [secret] after",
		"unknown": unknownValue, "path": ".escala/build/x", "number": 2.0,
		"policy":   map[string]any{"Statement": []any{map[string]any{"Action": "a"}}},
		"userData": "(user-data, sha256 " + shown["userData"].(string)[len("(user-data, sha256 "):],
	}, shown)
	assert.NotContains(t, shown["userData"], "cloud-config")
	assert.Equal(t, []string{"the Thing a's secret"}, secrets.Found("the secret itself"))

	open := shower{open: true}.inputs("x:y:Thing", props)
	assert.Equal(t, "the secret itself", open["secret"])
	assert.Equal(t, "#cloud-config\n", open["userData"])
}
