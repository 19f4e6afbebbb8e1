package cloudinit

import (
	"fmt"
	"go/ast"
	"go/parser"
	positions "go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// killPointsFile lists the places at which the agent must have been killed: when,
// in which function, at which call. A line that begins with "? " is a place that
// a rollout reaches only if a worker is slow or quick enough.
const killPointsFile = "testdata/kill-points"

// patient lists the functions that a rollout needs only for a slow worker.
var patient = []string{"await", "free", "awaitDown", "notUp", "replace", "endOrphan"}

// killPoints translates places such as "before install.go:41" to lines of
// killPointsFile, which other changes of the agent's files do not move.
func killPoints(t *testing.T, places []string) []string {
	t.Helper()
	points := map[string]bool{}
	for _, place := range places {
		at := strings.LastIndexByte(place, ' ')
		when, site := place[:at], place[at+1:]
		file, number, ok := strings.Cut(site, ":")
		require.True(t, ok, "%q is no place in the agent", place)
		line, err := strconv.Atoi(number)
		require.NoError(t, err)
		function, text := sourceLine(t, filepath.Join("agent", file), line)
		points[fmt.Sprintf("%s %s: %s", when, function, text)] = true
	}
	return slices.Sorted(maps.Keys(points))
}

// sourceLine returns the line's text, and the function that it is in. A deferred
// call has the line of the return or, with the race detector, of the last brace.
func sourceLine(t *testing.T, path string, line int) (function, text string) {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	files := positions.NewFileSet()
	parsed, err := parser.ParseFile(files, path, content, parser.SkipObjectResolution)
	require.NoError(t, err)
	for _, d := range parsed.Decls {
		if f, ok := d.(*ast.FuncDecl); ok && files.Position(f.Pos()).Line <= line && line <= files.Position(f.End()).Line {
			function = f.Name.Name
		}
	}
	text = strings.TrimSpace(strings.Split(string(content), "\n")[line-1])
	if !strings.Contains(text, "(") {
		text = "a deferred call"
	}
	return function, text
}

// compareKillPoints compares with killPointsFile. With -update, it writes the file.
// The places that need not be reached stay marked.
func compareKillPoints(t *testing.T, reached []string) {
	t.Helper()
	content, err := os.ReadFile(killPointsFile)
	if !*update {
		require.NoError(t, err)
	}
	var must, may []string
	for line := range strings.Lines(string(content)) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "? "); ok {
			may = append(may, rest)
		} else {
			must = append(must, line)
		}
	}
	if *update {
		var b strings.Builder
		for _, point := range reached {
			if !slices.Contains(may, point) {
				b.WriteString(point + "\n")
			}
		}
		for _, point := range may {
			b.WriteString("? " + point + "\n")
		}
		require.NoError(t, os.WriteFile(killPointsFile, []byte(b.String()), 0o644))
		return
	}
	for _, point := range must {
		assert.Contains(t, reached, point, "the agent is killed there")
	}
	for _, point := range reached {
		_, place, _ := strings.Cut(point, " ")
		function, _, _ := strings.Cut(place, ":")
		assert.True(t, slices.Contains(must, point) || slices.Contains(may, point) || slices.Contains(patient, function),
			"a place that %s does not list: %s (go test -update writes it)", killPointsFile, point)
	}
}
