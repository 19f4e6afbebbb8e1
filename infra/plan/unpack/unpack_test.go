package unpack

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/plan"
)

const config = `#cloud-config
packages: [nginx]
write_files:
  - path: /etc/plain.conf
    content: |
      key=placeholder-for-key
  - path: /etc/packed.conf
    encoding: gz+b64
    content: PACKED
    permissions: "0600"
    owner: app:app
    defer: true
  - path: /etc/plain.conf
    encoding: base64
    content: bW9yZQo=
    append: true
`

func zipped(t *testing.T, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write([]byte(text))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return b.Bytes()
}

func cloudConfigText(t *testing.T) string {
	t.Helper()
	return strings.ReplaceAll(config, "PACKED", base64.StdEncoding.EncodeToString(zipped(t, "packed\n")))
}

// machineOf returns the machine of a resource with the given user-data.
func machineOf(t *testing.T, kind, input, userData string) plan.Machine {
	t.Helper()
	var secrets plan.Secrets
	secrets.Add("the key", "placeholder-for-key")
	machines := Machines([]plan.Resource{{
		URN: "urn:m", Name: "m", Type: kind, Raw: map[string]any{input: userData}, Secret: map[string]bool{input: true},
	}}, &secrets)
	require.Len(t, machines, 1)
	return machines[0]
}

func TestUserDataIsUnpackedHoweverItIsCarried(t *testing.T) {
	text := cloudConfigText(t)
	z := zipped(t, text)
	mime := "Content-Type: multipart/mixed; boundary=\"b\"\nMIME-Version: 1.0\n\n--b\nContent-Type: text/cloud-config\nContent-Transfer-Encoding: base64\n\n" +
		base64.StdEncoding.EncodeToString([]byte(text)) + "\n--b\nContent-Type: text/x-shellscript\n\n#!/bin/sh\nexit 0\n--b--\n"
	for name, one := range map[string]struct {
		kind, input, data string
		bytes, limit      int
		encoding          string
		files             int
	}{
		"EC2":            {"aws:ec2/instance:Instance", "userDataBase64", base64.StdEncoding.EncodeToString(z), len(z), 16384, "gzip", 4},
		"EC2, as text":   {"aws:ec2/instance:Instance", "userData", text, len(text), 16384, "", 4},
		"Droplet":        {"digitalocean:index/droplet:Droplet", "userData", text, len(text), 65536, "", 4},
		"this computer":  {"escala:local:Machine", "userData", text, len(text), 0, "", 4},
		"several parts":  {"escala:local:Machine", "userData", mime, len(mime), 0, "", 5},
		"with variables": {"escala:local:Machine", "userData", "## template: jinja\n" + text, len(text) + 19, 0, "", 4},
	} {
		t.Run(name, func(t *testing.T) {
			m := machineOf(t, one.kind, one.input, one.data)
			assert.Empty(t, m.Error)
			assert.True(t, m.Sealed)
			assert.Equal(t, one.bytes, m.Bytes)
			assert.Equal(t, one.limit, m.Limit)
			assert.Equal(t, one.encoding, m.Encoding)
			require.Len(t, m.Files, one.files)
			assert.Equal(t, plan.File{
				Path: "/etc/plain.conf", Size: 24, Content: "key=[secret]\n", Raw: "key=placeholder-for-key\n",
			}, m.Files[0])
			assert.Equal(t, plan.File{
				Path: "/etc/packed.conf", Mode: "0600", Owner: "app:app", Defer: true, Size: 7, Content: "packed\n", Raw: "packed\n",
			}, m.Files[1])
			assert.True(t, m.Files[2].Append)
			assert.Equal(t, "more\n", m.Files[2].Content)
			assert.Equal(t, CloudConfig, m.Files[3].Path)
			assert.Contains(t, m.Files[3].Content, "nginx")
			assert.NotContains(t, m.Files[3].Content, "write_files")
		})
	}
}

func TestWhatCannotBeUnpackedIsSaid(t *testing.T) {
	for want, data := range map[string]string{
		"is not a supported format":  "hello",
		"reading the cloud-config":   "#cloud-config\na: [",
		"is not one of cloud-init's": "#cloud-config\nwrite_files: [{path: /a, encoding: rot13, content: x}]\n",
		"decoding /a":                "#cloud-config\nwrite_files: [{path: /a, encoding: b64, content: '!'}]\n",
		"decompressing":              base64.StdEncoding.EncodeToString([]byte{0x1f, 0x8b, 1}),
	} {
		assert.Contains(t, machineOf(t, "escala:local:Machine", "userData", data).Error, want)
	}
	bomb := base64.StdEncoding.EncodeToString(zipped(t, strings.Repeat("0", largest+1)))
	assert.Contains(t, machineOf(t, "aws:ec2/instance:Instance", "userDataBase64", bomb).Error, "larger than")
}

func TestManifestsAreTheObjectsOfACluster(t *testing.T) {
	var secrets plan.Secrets
	raw := map[string]any{"metadata": map[string]any{"name": "api"}, "stringData": map[string]any{"KEY": "the secret itself"}}
	manifests := Manifests([]plan.Resource{
		{Type: "kubernetes:core/v1:Secret", Name: "api", Raw: raw, Inputs: map[string]any{"metadata": raw["metadata"], "stringData": plan.Masked}},
		{Type: "kubernetes:helm.sh/v4:Chart", Name: "chart", Raw: map[string]any{}},
		{Type: "pulumi:providers:kubernetes", Name: "cluster"},
		{Type: "aws:ec2/vpc:Vpc", Name: "vpc", Raw: map[string]any{}},
	}, &secrets)
	require.Len(t, manifests, 1)
	assert.Equal(t, "secret-api.yaml", manifests[0].Path)
	assert.Equal(t, "apiVersion: v1\nkind: Secret\nmetadata:\n  name: api\nstringData: '[secret]'\n", manifests[0].Content)
	assert.Equal(t, "Secret", manifests[0].Object["kind"])
}
