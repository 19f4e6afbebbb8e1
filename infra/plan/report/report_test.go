package report

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/plan"
	"escala/infra/plan/compare"
)

var update = flag.Bool("update", false, "write the golden files anew")

// small returns a plan with one entry of each kind.
func small() plan.Plan {
	const room, machine = "urn:pulumi:small::escala::escala:x:Service::api", "urn:pulumi:small::escala::escala:x:Service$x:y:Machine::api-machine"
	return plan.New(plan.Stack{
		Name: "small", Target: "x", Release: "0123456789abcdef",
		Placeholders: []string{"escala:secrets.KEY"}, Unused: []string{"secretsprovider"},
		Lookups: []plan.Lookup{{Function: "x:index:getImage", Args: map[string]any{"name": "debian"}, Answer: map[string]any{"id": "made-up", "tags": []any{}, "regions": []any{"a", "b"}}}},
		Resources: []plan.Resource{
			{URN: room, Type: "escala:x:Service", Name: "api", Component: true},
			{URN: machine, Type: "x:y:Machine", Name: "api-machine", Parent: room, Provider: "api-x", Inputs: map[string]any{"size": 1.0, "key": plan.Masked}, ReplacedBy: []string{"size"}, Ignores: []string{"image"}, Retained: true},
		},
		Machines: []plan.Machine{{Resource: machine, Name: "api-machine", Bytes: 100, Limit: 400, Encoding: "gzip", Files: []plan.File{
			{Path: "/etc/nginx/nginx.conf", Size: 10, Content: "events {}\n"},
			{Path: "/usr/local/bin/run", Mode: "0755", Owner: "app:app", Defer: true, Append: true, Size: 27, Content: "#!/bin/sh\necho '```' <b>|</b>\n"},
			{Path: "cloud-config", Size: 12, Content: "packages: []\n"},
		}}},
		Manifests: []plan.File{{Path: "service-api.yaml", Size: 14, Content: "kind: Service\n", Object: map[string]any{"kind": "Service"}}},
		Costs: &plan.Costs{Low: 48, High: 96, Unpriced: 1, Lines: []plan.Cost{
			{Resource: machine, Name: "api-machine", Part: "2 to 4 nodes", State: plan.Priced, Low: 48, High: 96, Why: "they scale", Price: &plan.Price{Item: "x/nodes", Amount: 24, Unit: "month", Region: "*", Source: "https://x.example/", Date: "2026-01-01"}},
			{Resource: machine, Name: "api-machine", Part: "credits", State: plan.ByUse},
			{Resource: machine, Name: "api-machine", Part: "licence", State: plan.NotPriced, Why: "x/licence has no price in region \"y\""},
			{Resource: machine, Name: "api-machine", Part: "network", State: plan.Free},
			{Resource: room, Name: "api", Part: "Rule", State: plan.Included},
			{Resource: room, Name: "api", Part: "Rule", State: plan.Included},
		}},
		Findings: []plan.Finding{
			{Level: plan.Error, Where: "api-web", What: "port 22/tcp is open to 0.0.0.0/0", Right: "80 and 443 alone"},
			{Level: plan.Warning, Where: "api|x", What: "two\nlines <script>", Right: "one"},
			{Level: plan.Notice, Where: "api-machine", What: "100 of 400 bytes (25 %)"},
		},
	}, plan.Stack{Name: "wrong", Error: "the configuration of stack wrong cannot be used:\n  target: is not set"})
}

func difference() compare.Difference {
	return compare.Difference{
		Version: plan.Version, Note: compare.Note, Base: "0123456789ab",
		Stacks: []compare.Stack{
			{
				Name: "small", Change: compare.Changed, Release: &[2]string{"aaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbb"},
				Resources: []compare.Resource{
					{URN: "u1", Type: "x:y:Object", Name: "release-a", Change: compare.Removed, Retained: true},
					{URN: "u2", Type: "x:y:Machine", Name: "api-machine", Change: compare.Replaced, By: []string{"size"}, Inputs: []compare.Input{{Path: "size", Before: 1.0, After: 2.0}}},
					{URN: "u3", Type: "x:y:Object", Name: "current", Change: compare.Changed, Inputs: []compare.Input{{Path: "content", Before: nil, After: strings.Repeat("x", 200)}}},
					{URN: "u4", Type: "x:y:Object", Name: "release-b", Change: compare.Added},
				},
				Files: []compare.File{
					{Path: "api-machine/etc/nginx/nginx.conf", Change: compare.Changed, Diff: "--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b ```\n"},
					{Path: "api-machine/etc/new", Change: compare.Added, Diff: "@@ -0,0 +1 @@\n+a\n"},
				},
				Costs: &compare.Costs{
					Before: compare.Sum{Low: 48, High: 96}, After: compare.Sum{Low: 58, High: 116, Unpriced: 1},
					Removed: []plan.Cost{{Name: "api-machine", Part: "2 to 4 nodes small", State: plan.Priced, Low: 48, High: 96}},
					Added:   []plan.Cost{{Name: "api-machine", Part: "2 to 4 nodes", State: plan.Priced, Low: 58, High: 116}, {Name: "x", Part: "y", State: plan.NotPriced, Why: "z"}},
				},
				New: []plan.Finding{{Level: plan.Error, Where: "api-web", What: "port 22", Right: "none"}},
			},
			{Name: "gone", Change: compare.Removed, Before: "before", After: "after"},
		},
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, got, 0o644))
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got), "run go test ./infra/plan/report -update if that is meant")
}

func TestFormats(t *testing.T) {
	for name, ext := range map[string]string{Text: "txt", JSON: "json", Markdown: "md"} {
		write, err := Format(name, false)
		require.NoError(t, err)
		var b bytes.Buffer
		require.NoError(t, write(&b, small()))
		golden(t, "plan."+ext, b.Bytes())

		differ, err := DifferenceFormat(name)
		require.NoError(t, err)
		b.Reset()
		require.NoError(t, differ(&b, difference()))
		golden(t, "difference."+ext, b.Bytes())
	}
	_, err := Format("xml", false)
	require.ErrorContains(t, err, `the format "xml" is not one of`)
	_, err = DifferenceFormat("xml")
	require.ErrorContains(t, err, `the format "xml" is not one of`)
}

func TestEveryFileIsShownOnRequest(t *testing.T) {
	for _, name := range []string{Text, Markdown} {
		for every, want := range map[bool]bool{true: true, false: false} {
			write, err := Format(name, every)
			require.NoError(t, err)
			var b bytes.Buffer
			require.NoError(t, write(&b, small()))
			assert.Equal(t, want, strings.Contains(b.String(), "echo '```'"), "%s %v", name, every)
		}
	}
}

func TestJSONComesBack(t *testing.T) {
	var b bytes.Buffer
	require.NoError(t, writeJSON(&b, small()))
	var p plan.Plan
	require.NoError(t, json.Unmarshal(b.Bytes(), &p))
	again := &bytes.Buffer{}
	require.NoError(t, writeJSON(again, p))
	assert.Equal(t, b.String(), again.String())
}

func TestMarkdownStaysBelowGitHubsLimit(t *testing.T) {
	p := small()
	p.Stacks[0].Machines[0].Files[0].Content = strings.Repeat("0123456789\n", largestMarkdown/10)
	var b bytes.Buffer
	require.NoError(t, writeMarkdown(&b, p, false))
	assert.Less(t, b.Len(), largestMarkdown)
	assert.Contains(t, b.String(), "contents are left out")

	d := difference()
	d.Stacks[0].Files[0].Diff = p.Stacks[0].Machines[0].Files[0].Content
	b.Reset()
	require.NoError(t, markdownDifference(&b, d))
	assert.Less(t, b.Len(), largestMarkdown)
	assert.Contains(t, b.String(), "differences are left out")
}

func TestFolderHasTheFilesAndNothingElse(t *testing.T) {
	dir := t.TempDir()
	p := small()
	p.Stacks[0].Machines[0].Files = append(p.Stacks[0].Machines[0].Files, plan.File{Path: "/../../outside", Content: "x"})
	require.NoError(t, os.MkdirAll(filepath.Join(dir, "small", "old"), 0o755))
	require.NoError(t, Folder(dir, p))
	assert.NoDirExists(t, filepath.Join(dir, "small", "old"))
	content, err := os.ReadFile(filepath.Join(dir, "small", "api-machine", "etc", "nginx", "nginx.conf"))
	require.NoError(t, err)
	assert.Equal(t, "events {}\n", string(content))
	info, err := os.Stat(filepath.Join(dir, "small", "api-machine", "usr", "local", "bin", "run"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode().Perm())
	assert.FileExists(t, filepath.Join(dir, "small", "api-machine", "outside"), "a path leads nowhere else")
	assert.FileExists(t, filepath.Join(dir, "small", "manifests", "service-api.yaml"))
	require.NoError(t, Folder(dir, p), "twice is the same")
}
