package cloudfake

import (
	"flag"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/workspace"
)

var update = flag.Bool("update", false, "write docs/fidelity.md anew")

// TestFidelityPage checks that docs/fidelity.md matches the tables.
func TestFidelityPage(t *testing.T) {
	root, err := workspace.Root()
	require.NoError(t, err)
	for _, name := range []string{"docs/fidelity.md"} {
		path := filepath.Join(root, name)
		b, err := os.ReadFile(path)
		require.NoError(t, err)
		page := string(b)
		sections := map[string]string{}
		for _, table := range Tables() {
			sections[table.Cloud] = table.Markdown()
		}
		for _, types := range AllTypes() {
			sections[types.Cloud] = types.Markdown()
		}
		for title, markdown := range sections {
			section := regexp.MustCompile(`(?s)(<!-- ` + regexp.QuoteMeta(title) + ` -->\n).*?(<!-- end -->)`)
			require.Regexp(t, section, page, "%s has a section for %s", name, title)
			page = section.ReplaceAllStringFunc(page, func(found string) string {
				parts := section.FindStringSubmatch(found)
				return parts[1] + markdown + parts[2]
			})
		}
		if *update {
			require.NoError(t, os.WriteFile(path, []byte(page), 0o644))
			continue
		}
		assert.Equal(t, page, string(b), "%s: go test ./infra/testing/cloudfake -update", name)
	}
}

// TestEveryTypeIsRead checks that the tables describe each type that the offline
// providers know, and no other type. A stack that registers another type fails at
// its provider.
func TestEveryTypeIsRead(t *testing.T) {
	for _, types := range AllTypes() {
		for token := range types.Known {
			assert.Contains(t, types.Read, token, "%s: nothing was read of it", types.Cloud)
		}
		for token, read := range types.Read {
			assert.Contains(t, types.Known, token, "%s: no stack registers it", types.Cloud)
			assert.Regexp(t, `^https://github\.com/.+\.go$`, read.Source, token)
			assert.Regexp(t, `^([A-Z].*\.)?$`, read.Further, token)
		}
	}
}

// TestLives checks that each letter in the page's table of lives is explained as a
// test, and that each explained test is used for a step.
func TestLives(t *testing.T) {
	root, err := workspace.Root()
	require.NoError(t, err)
	page, err := os.ReadFile(filepath.Join(root, "docs", "fidelity.md"))
	require.NoError(t, err)
	_, lives, found := strings.Cut(string(page), "\n## Lives\n")
	require.True(t, found)
	used, explained, steps := map[string]bool{}, map[string]bool{}, 0
	for _, row := range regexp.MustCompile(`(?m)^\| [^|-].*\|$`).FindAllString(lives, -1) {
		cells := strings.Split(strings.Trim(row, "|"), "|")
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case len(cells) == 7 && cells[0] != "step":
			steps++
			for _, letter := range strings.Split(strings.Join(cells[1:], ","), ",") {
				if letter = strings.TrimSpace(letter); letter != "" {
					used[letter] = true
				}
			}
		case len(cells) == 3 && cells[0] != "":
			assert.False(t, explained[cells[0]], "%s stands for two tests", cells[0])
			explained[cells[0]] = true
			assert.NotEmpty(t, cells[2], "%s does not say what it runs on", cells[0])
		}
	}
	assert.Greater(t, steps, 10)
	assert.Equal(t, used, explained)
}

// TestEveryBehaviourIsMet checks that the tests that the page names exist, and that
// the test of each behaviour mentions its name.
func TestEveryBehaviourIsMet(t *testing.T) {
	root, err := workspace.Root()
	require.NoError(t, err)
	mentioned := map[string]map[string]bool{}
	err = filepath.WalkDir(filepath.Join(root, "infra"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, declaration := range file.Decls {
			f, ok := declaration.(*ast.FuncDecl)
			if !ok || f.Body == nil || !strings.HasPrefix(f.Name.Name, "Test") {
				continue
			}
			if mentioned[f.Name.Name] == nil {
				mentioned[f.Name.Name] = map[string]bool{}
			}
			ast.Inspect(f.Body, func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					if text, err := strconv.Unquote(literal.Value); err == nil {
						mentioned[f.Name.Name][text] = true
					}
				}
				return true
			})
		}
		return nil
	})
	require.NoError(t, err)
	page, err := os.ReadFile(filepath.Join(root, "docs", "fidelity.md"))
	require.NoError(t, err)
	for _, name := range regexp.MustCompile("`(Test[A-Za-z0-9]+)`").FindAllSubmatch(page, -1) {
		assert.Contains(t, mentioned, string(name[1]), "docs/fidelity.md names a test that does not exist")
	}
	for _, table := range Tables() {
		seen := map[string]bool{}
		for _, b := range table.Behaviours {
			assert.Regexp(t, `^[a-z0-9]+(-[a-z0-9]+)*$`, b.Name)
			assert.False(t, seen[b.Name], "%s: two entries are named %s", table.Cloud, b.Name)
			seen[b.Name] = true
			assert.Regexp(t, `^[A-Z].*\.$`, b.Does, b.Name)
			assert.NotEmpty(t, b.Source, b.Name)
			require.Contains(t, mentioned, b.Test, "%s names a test that does not exist", b.Name)
			assert.True(t, mentioned[b.Test][b.Name], "%s does not mention %q", b.Test, b.Name)
		}
	}
}
