package compare

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/plan"
)

func base() plan.Stack {
	return plan.Stack{
		Name: "s", Release: "one",
		Resources: []plan.Resource{
			{URN: "u:vm", Type: "t", Name: "vm", Inputs: map[string]any{"size": 1.0, "image": "a", "tags": map[string]any{"a.b": "x"}}, ReplacedBy: []string{"disk"}, Ignores: []string{"image"}},
			{URN: "u:old", Type: "t", Name: "old", Retained: true},
		},
		Machines: []plan.Machine{{Name: "vm", Files: []plan.File{
			{Path: "/etc/a", Content: "one\ntwo\nthree\n"}, {Path: "/etc/gone", Content: "x\n"}, {Path: "/etc/same", Content: "same\n"},
		}}},
		Findings: []plan.Finding{{Level: plan.Error, Where: "vm", What: "known"}},
	}
}

// read encodes and decodes a plan, as if another commit's program had printed
// it.
func read(t *testing.T, p plan.Plan) plan.Plan {
	t.Helper()
	b, err := json.Marshal(p)
	require.NoError(t, err)
	var out plan.Plan
	require.NoError(t, json.Unmarshal(b, &out))
	return out
}

func TestEqualPlansDoNotDiffer(t *testing.T) {
	d, err := Plans(t.Context(), "abc", read(t, plan.New(base())), plan.New(base()))
	require.NoError(t, err)
	assert.Empty(t, d.Stacks)
	assert.False(t, d.Fails())
}

func TestWhatChangesIsSaid(t *testing.T) {
	now := base()
	now.Release = "two"
	now.Resources[0].Inputs = map[string]any{"size": 2.0, "image": "b", "disk": []any{map[string]any{"gib": 10.0}}, "tags": map[string]any{"a.b": "y"}}
	now.Resources[1] = plan.Resource{URN: "u:new", Type: "t", Name: "new"}
	now.Machines[0].Files = []plan.File{{Path: "/etc/a", Content: "one\n2\nthree\n"}, {Path: "/etc/same", Content: "same\n"}}
	now.Manifests = []plan.File{{Path: "service.yaml", Content: "kind: Service\n"}}
	now.Findings = append(now.Findings, plan.Finding{Level: plan.Error, Where: "vm", What: "new"}, plan.Finding{Level: plan.Notice, Where: "vm", What: "by the way"})
	d, err := Plans(t.Context(), "abc", read(t, plan.New(base())), plan.New(now))
	require.NoError(t, err)
	require.Len(t, d.Stacks, 1)
	s := d.Stacks[0]
	assert.Equal(t, Changed, s.Change)
	assert.Equal(t, &[2]string{"one", "two"}, s.Release)
	assert.Equal(t, []Resource{
		{URN: "u:old", Type: "t", Name: "old", Change: Removed, Retained: true},
		{URN: "u:vm", Type: "t", Name: "vm", Change: Replaced, By: []string{"disk"}, Inputs: []Input{
			{Path: "disk", Before: nil, After: []any{map[string]any{"gib": 10.0}}},
			{Path: "size", Before: 1.0, After: 2.0},
			{Path: `tags["a.b"]`, Before: "x", After: "y"},
		}},
		{URN: "u:new", Type: "t", Name: "new", Change: Added},
	}, s.Resources, "what the program ignores is no change")
	assert.Equal(t, []File{
		{Path: "manifests/service.yaml", Change: Added, Diff: "--- a/manifests/service.yaml\n+++ b/manifests/service.yaml\n@@ -0,0 +1 @@\n+kind: Service\n"},
		{Path: "vm/etc/a", Change: Changed, Diff: "--- a/vm/etc/a\n+++ b/vm/etc/a\n@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n"},
		{Path: "vm/etc/gone", Change: Removed, Diff: "--- a/vm/etc/gone\n+++ b/vm/etc/gone\n@@ -1 +0,0 @@\n-x\n"},
	}, s.Files)
	assert.Equal(t, []plan.Finding{{Level: plan.Error, Where: "vm", What: "new"}}, s.New)
	assert.True(t, d.Fails())
}

func TestStacksComeAndGo(t *testing.T) {
	was, is := base(), base()
	was.Name, is.Name = "was", "is"
	is.Findings = nil
	d, err := Plans(t.Context(), "abc", plan.New(was), plan.New(is))
	require.NoError(t, err)
	require.Len(t, d.Stacks, 2)
	assert.Equal(t, []Change{Added, Removed}, []Change{d.Stacks[0].Change, d.Stacks[1].Change})
	assert.Nil(t, d.Stacks[0].Release)
	assert.Len(t, d.Stacks[0].Resources, 2)
	assert.False(t, d.Fails())
}

func TestAStackThatBreaksFails(t *testing.T) {
	broken := plan.Stack{Name: "s", Error: "no"}
	d, err := Plans(t.Context(), "abc", plan.New(base()), plan.New(broken))
	require.NoError(t, err)
	assert.True(t, d.Fails())
	d, err = Plans(t.Context(), "abc", plan.New(broken), plan.New(broken))
	require.NoError(t, err)
	assert.Empty(t, d.Stacks, "broken as before is no difference")
}

func TestLists(t *testing.T) {
	found := inputs(
		map[string]any{"rules": []any{map[string]any{"port": 80.0}, map[string]any{"port": 443.0}}},
		map[string]any{"rules": []any{map[string]any{"port": 80.0}, map[string]any{"port": 8443.0}, "more"}}, nil)
	assert.Equal(t, []Input{{Path: "rules[1].port", Before: 443.0, After: 8443.0}, {Path: "rules[2]", Before: nil, After: "more"}}, found)
	assert.Equal(t, []string{"rules[1].port"}, replacing(found[:1], []string{"rules"}))
	assert.Equal(t, []string{"rules[1].port"}, replacing(found[:1], []string{"*"}))
	assert.Empty(t, replacing(found[:1], []string{"rule"}))
}
