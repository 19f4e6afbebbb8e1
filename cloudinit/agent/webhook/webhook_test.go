package webhook

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/service"
	"escala/service/event"
)

var refusal = event.Event{
	Time: time.Unix(1_800_000_000, 0).UTC(), Kind: event.Refusal, Stack: "escala/aws-ec2", Instance: "i-1",
	Release: service.ReleaseID(strings.Repeat("1", 64)), Text: "it <exits> & ends",
}

// receiver answers with the statuses in turn; 0 does not answer.
func receiver(t *testing.T, statuses ...int) (url string, sent func() []string) {
	t.Helper()
	var bodies []string
	var mu sync.Mutex // a try may begin before the one before is given up
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		mu.Lock()
		bodies = append(bodies, string(body))
		status := statuses[min(len(bodies), len(statuses))-1]
		mu.Unlock()
		if status == 0 {
			<-over
			return
		}
		if status == http.StatusFound {
			w.Header().Set("Location", "/elsewhere")
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(over) })
	return server.URL + "/services/secret-token", func() []string {
		mu.Lock()
		defer mu.Unlock()
		return slices.Clone(bodies)
	}
}

func TestSend(t *testing.T) {
	for name, tt := range map[string]struct {
		statuses []int
		sent     int
		want     string
	}{
		"taken":         {[]int{200}, 1, ""},
		"comes back":    {[]int{500, 204}, 2, ""},
		"answers 500":   {[]int{500}, 2, "answers 500"},
		"too many":      {[]int{429, 200}, 2, ""},
		"gone":          {[]int{404}, 1, "answers 404"},
		"redirects":     {[]int{302}, 1, "answers 302"},
		"hangs":         {[]int{0}, 2, "does not answer: context deadline exceeded"},
		"hangs at once": {[]int{0, 200}, 2, ""},
	} {
		t.Run(name, func(t *testing.T) {
			url, sent := receiver(t, tt.statuses...)
			w := Webhook{URL: url, Pause: time.Millisecond, Timeout: 200 * time.Millisecond}
			began := time.Now()
			err := w.Send(t.Context(), refusal)
			assert.Less(t, time.Since(began), 20*time.Second)
			assert.Len(t, sent(), tt.sent)
			if tt.want == "" {
				require.NoError(t, err)
				var got event.Event
				require.NoError(t, json.Unmarshal([]byte(sent()[0]), &got))
				assert.Equal(t, refusal, got)
				return
			}
			require.ErrorContains(t, err, tt.want)
			assert.NotContains(t, err.Error(), "secret-token")
		})
	}
}

func TestNoErrorContainsTheURL(t *testing.T) {
	for _, url := range []string{"http://127.0.0.1:1/secret-token", "http://secret-token.invalid/secret-token", "http://[/secret-token", "\x00secret-token"} {
		w := Webhook{URL: url, Pause: time.Millisecond, Timeout: 5 * time.Second}
		err := w.Send(t.Context(), refusal)
		require.Error(t, err)
		assert.NotContains(t, strings.ReplaceAll(err.Error(), "lookup secret-token.invalid", ""), "secret-token")
		assert.NotContains(t, fmt.Sprintf("%v %+v %#v", w, w, w), "secret-token")
	}
}

func TestSlacksForm(t *testing.T) {
	body, err := Webhook{URL: "https://hooks.slack.com/services/T/B/x"}.body(refusal)
	require.NoError(t, err)
	assert.JSONEq(t, `{"text": "escala/aws-ec2: refusal, release 111111111111, on i-1: it &lt;exits&gt; &amp; ends"}`, string(body))
	body, err = Webhook{URL: "https://discord.com/api/webhooks/1/x/slack"}.body(refusal)
	require.NoError(t, err)
	assert.Contains(t, string(body), `{"text":`)
}

func TestCheck(t *testing.T) {
	for url, ok := range map[string]bool{
		"https://hooks.slack.com/services/x": true, "http://10.0.0.7:9000/x": true, "http://localhost/x": true, "http://[::1]/x": true,
		"http://example.com/x": false, "ftp://example.com": false, "example.com/x": false, "": false, "https://": false, "http://192.0.2.1": false,
	} {
		err := Check(url)
		assert.Equal(t, ok, err == nil, url)
		if err != nil && len(url) > 10 {
			assert.NotContains(t, err.Error(), url)
		}
	}
}
