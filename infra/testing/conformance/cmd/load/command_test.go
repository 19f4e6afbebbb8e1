package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"escala/infra/testing/loadgen"
)

// service answers as the command's defaults expect. If n is not 0, it answers
// every nth request with 500.
func service(t *testing.T, nth int64) string {
	t.Helper()
	var requests atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n := requests.Add(1); nth != 0 && n%nth == 0 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.Copy(w, r.Body) // the client counts the failures
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestCommand(t *testing.T) {
	t.Parallel()
	closed := httptest.NewServer(nil)
	closed.Close()
	tests := map[string]struct {
		args    []string
		out     string
		problem string
	}{
		"clean":       {args: []string{service(t, 0)}, out: "100 requests"},
		"failures":    {args: []string{service(t, 10)}, out: "failed: status 10", problem: "10 of 100 failed"},
		"refused":     {args: []string{closed.URL}, out: "failed: refused 100", problem: "100 of 100 failed"},
		"no rooms":    {args: []string{service(t, 0), "--rooms", "1"}, problem: "4 clients did not come back"},
		"bad share":   {args: []string{service(t, 0), "--post-share", "2"}, problem: "rate"},
		"bad kind":    {args: []string{service(t, 0), "--connections", "some"}, problem: "connections"},
		"no target":   {problem: "accepts 1 arg"},
		"public":      {args: []string{"http://192.0.2.1"}, problem: "neither loopback nor private"},
		"no json dir": {args: []string{service(t, 0), "--json", filepath.Join(t.TempDir(), "no", "x.json")}, problem: "no such file"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out, progress bytes.Buffer
			command := newCommand()
			command.SetOut(&out)
			command.SetErr(&progress)
			command.SetArgs(append([]string{"--rate", "500", "--slow-rate", "0", "--duration", "200ms"}, test.args...))
			err := command.ExecuteContext(t.Context())
			if !strings.Contains(out.String(), test.out) {
				t.Errorf("%q is not in\n%s", test.out, out.String())
			}
			switch {
			case err == nil && test.problem != "":
				t.Errorf("no error, want %q", test.problem)
			case err != nil && (test.problem == "" || !strings.Contains(err.Error(), test.problem)):
				t.Errorf("error %v, want %q", err, test.problem)
			}
		})
	}
}

func TestCommandWritesJSON(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "result.json")
	command := newCommand()
	command.SetOut(io.Discard)
	command.SetArgs([]string{service(t, 0), "--rate", "500", "--slow-rate", "0", "--duration", "200ms", "--json", path})
	if err := command.ExecuteContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var result loadgen.Result
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	if result.Total.OK != 100 {
		t.Errorf("%+v, want 100 ok", result.Total)
	}
}
