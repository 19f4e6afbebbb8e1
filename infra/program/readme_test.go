package program

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/workspace"
)

// The README is the only page in two languages.
const english, spanish = "README.md", "README.es.md"

// pages returns the paths of all pages for people, in both languages: those in
// the top folder, the reference, the decisions and the service's own.
func pages(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/*/*.md", "service/*.md", ".github/*.md"} {
		found, err := filepath.Glob(filepath.Join(root(t), pattern))
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		for _, path := range found {
			page, err := filepath.Rel(root(t), path)
			require.NoError(t, err)
			all = append(all, page)
		}
	}
	require.Contains(t, all, english)
	require.Contains(t, all, spanish)
	return all
}

func root(t *testing.T) string {
	t.Helper()
	root, err := workspace.Root()
	require.NoError(t, err)
	return root
}

func text(t *testing.T, page string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root(t), page))
	require.NoError(t, err)
	return string(b)
}

// fence is a block of code without explanatory comments.
type fence struct{ language, code string }

var (
	comment  = regexp.MustCompile(`(?m)(^|\s+)# .*$`)
	codeSpan = regexp.MustCompile("`[^`]+`")
	blanks   = regexp.MustCompile(`\s+`)
)

// split separates the blocks of code of a page from its prose.
func split(page string) (fences []fence, prose string) {
	var text, code []string
	inside, language := false, ""
	for line := range strings.SplitSeq(page, "\n") {
		mark, is := strings.CutPrefix(strings.TrimSpace(line), "```")
		switch {
		case !is && inside:
			code = append(code, line)
		case !is:
			text = append(text, line)
		case !inside:
			inside, language, code = true, mark, nil
		default:
			inside = false
			fences = append(fences, fence{language, strings.Join(code, "\n")})
		}
	}
	return fences, strings.Join(text, "\n")
}

// commands returns the blocks that must be the same in both languages. A block
// of the language "text" is a drawing, whose words are translated.
func commands(fences []fence) []fence {
	var all []fence
	for _, f := range fences {
		switch f.language {
		case "text":
			continue
		case "sh":
			f.code = comment.ReplaceAllString(f.code, "")
		}
		all = append(all, f)
	}
	return all
}

// shape returns the structure of a page's prose: the levels of its headings and
// the number of columns in each row of its tables.
func shape(prose string) []string {
	var all []string
	for line := range strings.SplitSeq(prose, "\n") {
		switch {
		case strings.HasPrefix(line, "#"):
			level, _, _ := strings.Cut(line, " ")
			all = append(all, level)
		case strings.HasPrefix(line, "|"):
			all = append(all, fmt.Sprintf("%d columns", strings.Count(line, "|")-1))
		case strings.HasPrefix(line, "- "):
			all = append(all, "-")
		}
	}
	return all
}

// quoted returns all texts in backquotes, sorted: commands, keys and messages,
// which are not translated.
func quoted(prose string) []string {
	var all []string
	for _, span := range codeSpan.FindAllString(prose, -1) {
		all = append(all, blanks.ReplaceAllString(span, " "))
	}
	slices.Sort(all)
	return all
}

func TestBothLanguagesSayTheSame(t *testing.T) {
	fences, prose := split(text(t, english))
	spanishFences, spanishProse := split(text(t, spanish))
	assert.Equal(t, commands(fences), commands(spanishFences), "blocks of code")
	assert.Equal(t, shape(prose), shape(spanishProse), "headings, tables, lists")
	assert.Equal(t, quoted(prose), quoted(spanishProse), "what stands in backquotes")
}

// TestReadmeIsShort checks that a newcomer can read the README to its end.
func TestReadmeIsShort(t *testing.T) {
	assert.Less(t, strings.Count(text(t, english), "\n"), 150)
}

var (
	link    = regexp.MustCompile(`\]\(([^)]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	notSlug = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// slugs returns the anchors of a page's headings in GitHub's format.
func slugs(page string) []string {
	var all []string
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		all = append(all, strings.ReplaceAll(notSlug.ReplaceAllString(strings.ToLower(m[1]), ""), " ", "-"))
	}
	return all
}

func TestLinksLeadSomewhere(t *testing.T) {
	seen := 0
	for _, page := range pages(t) {
		_, prose := split(text(t, page))
		for _, m := range link.FindAllStringSubmatch(prose, -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			seen++
			to := page
			if path != "" {
				to = filepath.Join(filepath.Dir(page), path)
				_, err := os.Stat(filepath.Join(root(t), to))
				require.NoError(t, err, page)
			}
			if anchor != "" {
				assert.Contains(t, slugs(text(t, to)), anchor, "%s: a heading of %s", page, to)
			}
		}
	}
	assert.Greater(t, seen, 40)
}

// inRepository matches the path of a file or folder in the repository. The path
// begins with a top folder.
var inRepository = regexp.MustCompile(`^(infra|service|cloudinit|docs|\.ci|\.github|\.devcontainer)/[\w./-]+$`)

// TestFilesThatPagesNameExist checks each file that a page names, except in the
// change log, which also names removed files.
func TestFilesThatPagesNameExist(t *testing.T) {
	seen := 0
	for _, page := range pages(t) {
		_, prose := split(text(t, page))
		for _, span := range quoted(prose) {
			name := strings.Trim(span, "`")
			if !inRepository.MatchString(name) || page == "CHANGELOG.md" {
				continue
			}
			seen++
			_, err := os.Stat(filepath.Join(root(t), name))
			require.NoError(t, err, page)
		}
	}
	assert.Greater(t, seen, 50)
}

// TestArchitectureHasTheTestSupport checks that ARCHITECTURE.md lists each part of
// the test support with its purpose.
func TestArchitectureHasTheTestSupport(t *testing.T) {
	folders, err := os.ReadDir(filepath.Join(root(t), "infra", "testing"))
	require.NoError(t, err)
	_, prose := split(text(t, "ARCHITECTURE.md"))
	for _, folder := range folders {
		if folder.IsDir() {
			assert.True(t, slices.Contains(quoted(prose), "`"+folder.Name()+"`"), "ARCHITECTURE.md says nothing of infra/testing/%s", folder.Name())
		}
	}
}

// runs returns the commands in a page: the lines of its blocks and the texts in
// backquotes.
func runs(page string) []string {
	fences, prose := split(page)
	var all []string
	for _, f := range fences {
		if f.language == "sh" {
			all = append(all, strings.Split(comment.ReplaceAllString(f.code, ""), "\n")...)
		}
	}
	for _, span := range quoted(prose) {
		all = append(all, strings.Trim(span, "`"))
	}
	return all
}

var makeTarget = regexp.MustCompile(`(?m)^([a-z-]+):[^=]`)

func TestMakeTargetsExist(t *testing.T) {
	var targets []string
	for _, m := range makeTarget.FindAllStringSubmatch(text(t, "Makefile"), -1) {
		targets = append(targets, m[1])
	}
	seen := 0
	for _, page := range pages(t) {
		for _, line := range runs(text(t, page)) {
			if rest, is := strings.CutPrefix(line, "make "); is {
				seen++
				words := strings.Fields(rest)
				if words[0] == "-C" {
					words = words[2:]
				}
				assert.Contains(t, targets, words[0], "%s: %s", page, line)
			}
		}
	}
	assert.Greater(t, seen, 20)
}

var elsewhere = regexp.MustCompile(`(?m)^(\w+=\S+ )*(pulumi|aws|doctl|kubectl) `)

// TestWhatNeedsAnAccountSaysSo checks that a command that cannot be tested without a
// cloud account is marked as such.
func TestWhatNeedsAnAccountSaysSo(t *testing.T) {
	marks := []string{"# needs an account", "# needs a cluster"}
	seen := 0
	for _, page := range pages(t) {
		fences, _ := split(text(t, page))
		for _, f := range fences {
			if f.language == "sh" && elsewhere.MatchString(f.code) {
				seen++
				first, _, _ := strings.Cut(f.code, "\n")
				assert.Contains(t, marks, first, "%s: %s", page, f.code)
			}
		}
	}
	assert.Greater(t, seen, 5)
}
