package state

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/deploy"
	"escala/infra/operate"
	"escala/infra/targets/local"
	"escala/service/event"
)

const release = "6d1d6c7b0dc52b924d2697ac74a94f777b96970267cb527fca2d272548463d0d"

// exportedState is an output of `pulumi stack export --show-secrets`.
const exportedState = `{"version": 3, "deployment": {"resources": [
	{"urn": "urn:pulumi:x::escala::pulumi:pulumi:Stack::escala-x", "type": "pulumi:pulumi:Stack",
	 "outputs": {"url": "http://192.0.2.1", "release": "` + release + `",
	  "secret": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": "\"p\""}}},
	{"urn": "urn:pulumi:x::escala::escala:local:Service$escala:local:Machine::api-machine", "type": "escala:local:Machine", "id": "m-1",
	 "outputs": {"ip": "10.0.0.2", "key": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "plaintext": "{\"a\":[1]}"}}},
	{"urn": "urn:pulumi:x::escala::escala:local:Service$escala:local:Machine::api-machine", "type": "escala:local:Machine", "id": "m-0", "delete": true}
]}}`

// exportedHistory is an output of `pulumi stack history --json`.
const exportedHistory = `[
	{"version": 2, "kind": "update", "startTime": "2026-11-26T09:00:00.000Z", "message": "x", "result": "failed", "endTime": "2026-11-26T09:00:12.000Z",
	 "environment": {"git.author": "Ana\u001b[31m", "git.head": "abc", "ci.system": "GitHub", "ci.build.id": "42"},
	 "config": {"escala:release": {"value": "` + release + `", "secret": false}}, "resourceChanges": {"same": 4, "update": 2}},
	{"version": 1, "kind": "refresh", "startTime": "2026-11-25T09:00:00.000Z", "message": "", "result": "succeeded", "environment": {"escala.drifted": "api-machine\u001b[31m, api-address"}, "config": {}}
]`

// project makes a repository with one stack. It makes Pulumi's command line too if
// script is not empty.
func project(t *testing.T, script string) string {
	t.Helper()
	root := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(root, "stacks"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(root, "Pulumi.yaml"), []byte("name: escala\nruntime: go\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(root, "stacks", "Pulumi.x.yaml"),
		[]byte("config:\n  escala:target: local\n  escala:local: {port: 8099}\n  escala:service: {name: api, workers: {count: 3}}\n  escala:secrets: {A: {secure: v1:x}}\n"), 0o600))
	bin := t.TempDir()
	if script != "" {
		require.NoError(t, os.WriteFile(filepath.Join(bin, "pulumi"), []byte("#!/bin/sh\n"+script), 0o755))
	}
	t.Setenv("PATH", bin+":/usr/bin:/bin")
	return root
}

func open(t *testing.T, root string) (*operate.Stack, deploy.Target, error) {
	t.Helper()
	return Open(t.Context(), root, "x", []deploy.Target{local.New()})
}

func TestAStackInAnotherBackendIsReadWithThePulumiCommand(t *testing.T) {
	root := project(t, fmt.Sprintf("case \"$2\" in\nexport) cat <<'E'\n%s\nE\n;;\nhistory) cat <<'E'\n%s\nE\n;;\nesac\n", exportedState, exportedHistory))
	s, target, err := open(t, root)
	require.NoError(t, err)
	assert.Equal(t, "local", target.Name())
	assert.Equal(t, 8099, target.Settings().(*local.Settings).Port)
	assert.Equal(t, 3, s.Spec.Workers.Count)
	assert.Equal(t, map[string]any{"url": "http://192.0.2.1", "release": release}, s.Outputs, "without the secret")
	require.Len(t, s.OfType("escala:local:Machine"), 1)
	require.Len(t, s.WithReplaced("escala:local:Machine"), 2)
	m, err := s.Find("escala:local:Machine", "api-machine")
	require.NoError(t, err)
	assert.Equal(t, "m-1", m.ID)
	assert.Equal(t, "10.0.0.2", m.Text("ip"))
	assert.Equal(t, map[string]any{"a": []any{1.0}}, m.Outputs["key"])
	_, err = s.Find("escala:local:Machine", "other")
	require.ErrorContains(t, err, "make up creates it")

	updates, err := s.Updates(t.Context(), time.Time{}, 10)
	require.NoError(t, err)
	require.Len(t, updates, 2)
	assert.Equal(t, event.Refresh, updates[0].Kind)
	assert.Equal(t, "api-machine[31m, api-address", updates[0].Drifted)
	assert.Equal(t, "changed outside of the stack: api-machine[31m, api-address", updates[0].Text)
	last := updates[1]
	assert.Equal(t, event.Rollback, last.Kind)
	assert.Equal(t, event.Failed, last.Result)
	assert.Equal(t, 12, last.Seconds)
	assert.Equal(t, 2, last.Changes)
	assert.Equal(t, "abc", last.Commit)
	assert.Equal(t, "Ana[31m, GitHub 42", last.Who)
	updates, err = s.Updates(t.Context(), time.Date(2026, 11, 26, 0, 0, 0, 0, time.UTC), 10)
	require.NoError(t, err)
	assert.Len(t, updates, 1)
}

func TestAStackWithoutAStateSaysWhatToDo(t *testing.T) {
	for name, tt := range map[string]struct{ script, want string }{
		"no command":       {"", "install Pulumi's command line"},
		"no stack":         {"echo 'error: no stack named x found' >&2; exit 1", "make up creates them"},
		"not logged in":    {"echo 'error: PULUMI_ACCESS_TOKEN must be set' >&2; exit 1", "PULUMI_ACCESS_TOKEN must be set"},
		"no resources":     {"echo '{\"deployment\":{}}'", "make up creates them"},
		"no JSON":          {"echo hello", "reading what pulumi stack export printed"},
		"a damaged secret": {"echo '{\"deployment\":{\"resources\":[1]}}'", "reading what pulumi stack export printed"},
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := open(t, project(t, tt.script))
			require.ErrorContains(t, err, tt.want)
		})
	}
}

// TestMistakesInTheFileDoNotMatter checks that a mistake in the stack's file does
// not prevent an operator from checking what runs.
func TestMistakesInTheFileDoNotMatter(t *testing.T) {
	root := project(t, "cat <<'E'\n"+exportedState+"\nE\n")
	path := filepath.Join(root, "stacks", "Pulumi.x.yaml")
	require.NoError(t, os.WriteFile(path, []byte("config:\n  escala:target: local\n  escala:service: {naem: api}\n"), 0o600))
	_, _, err := open(t, root)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, []byte("config:\n  escala:target: elsewhere\n"), 0o600))
	_, _, err = open(t, root)
	require.ErrorContains(t, err, "escala:target is \"elsewhere\"")
}

// sealedState is a state in the project's folder whose secrets are encrypted with a
// passphrase.
const sealedState = `{"version": 3, "checkpoint": {"stack": "organization/escala/x", "latest": {
	"manifest": {"time": "2026-11-26T09:00:00Z", "magic": "", "version": ""},
	"secrets_providers": {"type": "passphrase", "state": {"salt": "v1:Uuh477XIjDU=:v1:jlcBTgkyCdBswtjL:wCFtvZGIitdI6MdbyfUphaN+QENhsA=="}},
	"resources": [
	 {"urn": "urn:pulumi:x::escala::pulumi:pulumi:Stack::escala-x", "custom": false, "type": "pulumi:pulumi:Stack",
	  "outputs": {"release": "` + release + `"}},
	 {"urn": "urn:pulumi:x::escala::aws:ec2/instance:Instance::api-machine", "custom": true, "id": "i-1", "type": "aws:ec2/instance:Instance",
	  "inputs": {"instanceType": "t4g.small"},
	  "outputs": {"publicIp": "192.0.2.1", "userData": {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:YzUopej5ZewyMS9z:UPIx6OWWPs5rrEUhX0b98iebzg/MS+IegCYarcLIpHZBW1sLVgRhPiUJdrSt"}}}
	]}}}`

// TestASealedStateIsReadWithoutItsSecrets checks that an operator without the
// passphrase sees everything except the secrets.
func TestASealedStateIsReadWithoutItsSecrets(t *testing.T) {
	root := project(t, "")
	path := filepath.Join(root, ".escala/pulumi/backend/.pulumi/stacks/escala/x.json")
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(sealedState), 0o600))
	t.Setenv("PULUMI_CONFIG_PASSPHRASE", "that of another project")
	s, _, err := open(t, root)
	require.NoError(t, err)
	require.ErrorContains(t, s.Sealed, "no known passphrase opens it")
	assert.Equal(t, release, s.Text("release"))
	m, err := s.Find("aws:ec2/instance:Instance", "api-machine")
	require.NoError(t, err)
	assert.Equal(t, "192.0.2.1", m.Text("publicIp"))
	assert.Equal(t, "t4g.small", m.Inputs["instanceType"])
	assert.Nil(t, m.Outputs["userData"])
	assert.False(t, m.Component)
}
