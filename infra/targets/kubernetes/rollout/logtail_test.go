package rollout

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheLastLinesAreTold checks that long lines do not hide the last one, which has the
// error. The server reads the log as a kubelet does: the last lines, and of them the
// first bytes.
func TestTheLastLinesAreTold(t *testing.T) {
	var log string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		lines := strings.SplitAfter(strings.TrimSuffix(log, "\n"), "\n")
		n, err := strconv.Atoi(r.FormValue("tailLines"))
		assert.NoError(t, err)
		limit, err := strconv.Atoi(r.FormValue("limitBytes"))
		assert.NoError(t, err)
		text := strings.Join(lines[max(0, len(lines)-n):], "")
		fmt.Fprint(w, text[:min(limit, len(text))])
	}))
	t.Cleanup(server.Close)
	c, err := newClient(`{"clusters": [{"name": "a", "cluster": {"server": "` + server.URL + `"}}], "contexts": [{"name": "a", "context": {"cluster": "a"}}], "current-context": "a"}`)
	require.NoError(t, err)
	for name, tt := range map[string]struct{ log, want string }{
		"short": {"one\ntwo\n", "one\ntwo"},
		"long lines": {
			strings.Repeat(strings.Repeat("x", 4000)+"\n", 20) + "panic: no table\n",
			strings.Repeat(strings.Repeat("x", 4000)+"\n", 2) + "panic: no table",
		},
		"one line": {"begin " + strings.Repeat("é", 10_000) + " end", strings.Repeat("é", (toldBytes-len(" end"))/2) + " end"},
	} {
		t.Run(name, func(t *testing.T) {
			log = tt.log
			assert.Equal(t, tt.want, c.logTail(t.Context(), "api", "api-1", "api", reportedLines, false))
		})
	}
}
