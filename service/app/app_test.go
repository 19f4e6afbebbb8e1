package app

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service/session"
	"escala/service/session/keys"
	"escala/service/worker"
)

func handler(t *testing.T, rt worker.Runtime) http.Handler {
	t.Helper()
	rt.Log = slog.New(slog.DiscardHandler)
	a, err := New(t.Context(), rt)
	require.NoError(t, err)
	return a.Handler
}

func do(h http.Handler, method, path, body string, header http.Header) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for name, values := range header {
		r.Header[name] = values
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func TestRoutes(t *testing.T) {
	t.Parallel()
	h := handler(t, worker.Runtime{})
	tests := []struct {
		method, path, body string
		status             int
		answer             string
	}{
		{"GET", "/", "", 200, "hello from escala\n"},
		{"GET", "/nowhere", "", 404, "404 page not found\n"},
		{"POST", "/", "", 405, "Method Not Allowed\n"},
		{"POST", "/echo", "<b>", 200, "<b>"},
		{"GET", "/slow?ms=1", "", 200, "waited 1ms\n"},
		{"GET", "/slow?ms=-1", "", 400, "ms must be a number of milliseconds from 0 to 60000\n"},
		{"GET", "/slow?ms=9999999999999999", "", 400, "ms must be a number of milliseconds from 0 to 60000\n"},
		{"GET", "/slow?ms=9223372036854", "", 400, "ms must be a number of milliseconds from 0 to 60000\n"},
		{"POST", "/counter", "", 501, "the counter needs Redis; set REDIS_URL\n"},
		{"POST", "/session", "{}", 501, "sessions need keys; set SESSION_KEYS\n"},
		{"GET", "/ws?room=x", "", 404, "404 page not found\n"},
	}
	for _, tt := range tests {
		w := do(h, tt.method, tt.path, tt.body, nil)
		assert.Equal(t, tt.status, w.Code, "%s %s", tt.method, tt.path)
		assert.Equal(t, tt.answer, w.Body.String(), "%s %s", tt.method, tt.path)
	}
	w := do(h, "POST", "/echo", "<script>", nil)
	assert.Equal(t, "application/octet-stream", w.Header().Get("Content-Type"))
	assert.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	w = do(h, "POST", "/echo", "x", http.Header{"Sec-Fetch-Site": {"cross-site"}})
	assert.Equal(t, 403, w.Code, "another site's page")
}

func TestSessionEndpoints(t *testing.T) {
	t.Parallel()
	keys, err := keys.Parse("k:" + base64.StdEncoding.EncodeToString(make([]byte, 32)))
	require.NoError(t, err)
	h := handler(t, worker.Runtime{Sessions: session.New(keys, time.Minute)})

	for _, bad := range []string{"", "{}", `{"name":""}`, `{"name":" a"}`, `{"name":"a\nb"}`, `{"name":"a","admin":true}`, `{"name":"` + strings.Repeat("a", 65) + `"}`} {
		assert.Equal(t, 400, do(h, "POST", "/session", bad, nil).Code, bad)
	}
	assert.Equal(t, 401, do(h, "GET", "/session", "", nil).Code)

	w := do(h, "POST", "/session", `{"name":"Ana Núñez"}`, nil)
	require.Equal(t, 201, w.Code)
	var got sessionAnswer
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
	bearer := http.Header{"Authorization": {"Bearer " + got.Token}}
	cookie := http.Header{"Cookie": {strings.SplitN(w.Header().Get("Set-Cookie"), ";", 2)[0]}}
	for _, header := range []http.Header{bearer, cookie} {
		w = do(h, "GET", "/session", "", header)
		assert.Equal(t, 200, w.Code)
		assert.Contains(t, w.Body.String(), `"name":"Ana Núñez"`)
		assert.NotContains(t, w.Body.String(), "token")
		w = do(h, "POST", "/session/renew", "", header)
		assert.Equal(t, 200, w.Code)
		var renewed sessionAnswer
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &renewed))
		assert.NotEqual(t, got.Token, renewed.Token)
	}
	assert.Contains(t, do(h, "DELETE", "/session", "", cookie).Header().Get("Set-Cookie"), "Max-Age=0")
}
