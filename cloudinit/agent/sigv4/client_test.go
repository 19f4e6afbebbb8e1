package sigv4

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// answer is one answer of a service.
type answer struct {
	status int
	header http.Header
	body   string
	err    error
}

// service returns its answers in turn, repeats the last one, and keeps the
// requests.
type service struct {
	mu       sync.Mutex
	answers  []answer
	requests []*http.Request
	at       []time.Time
}

func (s *service) RoundTrip(r *http.Request) (*http.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests, s.at = append(s.requests, r), append(s.at, time.Now())
	a := s.answers[0]
	if len(s.answers) > 1 {
		s.answers = s.answers[1:]
	}
	if a.err != nil {
		return nil, a.err
	}
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)), Request: r}, nil
}

// role returns new credentials after each Invalidate.
type role struct{ n, invalidated int }

func (r *role) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: fmt.Sprintf("ASIA%d", r.n), SecretAccessKey: "secret", SessionToken: "session-token"}, nil
}

func (r *role) Invalidate() { r.n++; r.invalidated++ }

func do(t *testing.T, s *service) error {
	t.Helper()
	c := &Client{Service: "s3", Region: "eu-central-1", Credentials: &role{}, Transport: s}
	return get(t.Context(), c, "https://bucket.s3.eu-central-1.amazonaws.com/current")
}

// get sends a request and only checks for status 2xx.
func get(ctx context.Context, c *Client, url string) error {
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, URL: url})
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

func s3Error(code string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\n<Error><Code>" + code + "</Code><Message>What S3 says.</Message><RequestId>1</RequestId></Error>"
}

func TestWhatIsTriedAgain(t *testing.T) {
	ok := answer{status: http.StatusOK}
	for name, test := range map[string]struct {
		first answer
		sent  int
		want  string // of the error; empty is none
	}{
		"SlowDown":            {answer{status: 503, body: s3Error("SlowDown")}, 2, ""},
		"503 without body":    {answer{status: 503}, 2, ""},
		"InternalError":       {answer{status: 500, body: s3Error("InternalError")}, 2, ""},
		"429":                 {answer{status: 429}, 2, ""},
		"RequestTimeout":      {answer{status: 400, body: s3Error("RequestTimeout")}, 2, ""},
		"ThrottlingException": {answer{status: 400, body: `{"__type":"com.amazonaws.ssm#ThrottlingException","message":"Rate exceeded"}`}, 2, ""},
		"connection":          {answer{err: io.ErrUnexpectedEOF}, 2, ""},
		"NoSuchKey":           {answer{status: 404, body: s3Error("NoSuchKey")}, 1, "404 NoSuchKey: What S3 says."},
		"AccessDenied":        {answer{status: 403, body: s3Error("AccessDenied")}, 1, "403 AccessDenied"},
		"NotImplemented":      {answer{status: 501, body: s3Error("NotImplemented")}, 1, "501 NotImplemented"},
		"redirect":            {answer{status: 301, header: http.Header{"Location": {"https://elsewhere.example/"}}, body: s3Error("PermanentRedirect")}, 1, "a redirect to https://elsewhere.example/, which is not followed"},
		"a page of a proxy":   {answer{status: 407, body: "<html><body>log in</body></html>"}, 1, "407 Proxy Authentication Required"},
		"no code at all":      {answer{status: 418, body: "short and stout"}, 1, "418 I'm a teapot"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &service{answers: []answer{test.first, ok}}
				err := do(t, s)
				assert.Len(t, s.requests, test.sent)
				if test.want != "" {
					require.ErrorContains(t, err, test.want)
					return
				}
				require.NoError(t, err)
			})
		})
	}
}

func TestTriesAndPausesAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		s := &service{answers: []answer{{status: 503, body: s3Error("SlowDown")}}}
		err := do(t, s)
		require.ErrorContains(t, err, "503 SlowDown")
		assert.Len(t, s.requests, tries)
		assert.Less(t, time.Since(began), 2*time.Second)

		// A service may ask for a longer pause, but gets at most the limit.
		for header, want := range map[string]time.Duration{"2": 2 * time.Second, "3000": longestPause, "-1": 0, "soon": 0} {
			s := &service{answers: []answer{{status: 503, header: http.Header{"Retry-After": {header}}}, {status: 200}}}
			err := do(t, s)
			require.NoError(t, err)
			got := s.at[1].Sub(s.at[0])
			if want == 0 {
				assert.Less(t, got, pause, header)
			} else {
				assert.Equal(t, want, got, header)
			}
		}
	})
}

func TestAnEndOfTheContextEndsAPause(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		s := &service{answers: []answer{{status: 503, header: http.Header{"Retry-After": {"5"}}}}}
		c := &Client{Service: "s3", Region: "r", Credentials: &role{}, Transport: s}
		began := time.Now()
		err := get(ctx, c, "https://b/")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(began))
	})
}

func TestAWrongClockIsCorrected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ahead := time.Now().Add(3 * time.Hour).UTC()
		skewed := answer{status: 403, header: http.Header{"Date": {ahead.Format(http.TimeFormat)}}, body: s3Error("RequestTimeTooSkewed")}
		s := &service{answers: []answer{skewed, {status: 200}}}
		c := &Client{Service: "s3", Region: "r", Credentials: &role{}, Transport: s}
		for range 2 {
			err := get(t.Context(), c, "https://b/")
			require.NoError(t, err)
		}
		require.Len(t, s.requests, 3, "the correction lasts")
		for _, r := range s.requests[1:] {
			assert.Equal(t, ahead.Format("20060102T150405Z"), r.Header.Get("X-Amz-Date"))
		}

		// A signature that is wrong for another reason does not change the
		// clock.
		now := answer{status: 403, header: http.Header{"Date": {time.Now().UTC().Format(http.TimeFormat)}}, body: s3Error("SignatureDoesNotMatch")}
		s = &service{answers: []answer{now}}
		err := do(t, s)
		require.ErrorContains(t, err, "SignatureDoesNotMatch")
		assert.Len(t, s.requests, 1)

		// A service with an erratic clock gets two requests, and not endless
		// ones.
		s = &service{answers: []answer{skewed}}
		s.answers[0].header = http.Header{"Date": {ahead.AddDate(9, 0, 0).Format(http.TimeFormat)}}
		err = do(t, s)
		require.ErrorContains(t, err, "RequestTimeTooSkewed")
		assert.Len(t, s.requests, 2)
	})
}

func TestExpiredCredentialsAreReplacedOnce(t *testing.T) {
	s := &service{answers: []answer{{status: 400, body: s3Error("ExpiredToken")}, {status: 200}}}
	err := do(t, s)
	require.NoError(t, err)
	assert.Contains(t, s.requests[0].Header.Get("Authorization"), "Credential=ASIA0/")
	assert.Contains(t, s.requests[1].Header.Get("Authorization"), "Credential=ASIA1/")
	assert.Equal(t, "session-token", s.requests[1].Header.Get("X-Amz-Security-Token"))

	s = &service{answers: []answer{{status: 400, body: s3Error("ExpiredToken")}}}
	err = do(t, s)
	require.ErrorContains(t, err, "ExpiredToken")
	assert.Len(t, s.requests, 2)
}

func TestARedirectDoesNotTakeTheTokenAlong(t *testing.T) {
	followed := false
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { followed = true }))
	defer elsewhere.Close()
	for _, status := range []int{301, 302, 303, 307, 308} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, status) }))
		c := &Client{Service: "s3", Region: "r", Credentials: &role{}}
		err := get(t.Context(), c, s.URL+"/current")
		require.ErrorContains(t, err, "not followed")
		s.Close()
	}
	assert.False(t, followed)
}

func TestAnEndpointWithoutTLS(t *testing.T) {
	for url, want := range map[string]bool{
		"https://example.com/": true, "http://127.0.0.1:1/": true, "http://[::1]/": true, "http://10.88.0.1/": true,
		"http://example.com/": false, "http://198.51.100.1/": false, "ftp://example.com/": false, "http://localhost.example.com/": false,
	} {
		s := &service{answers: []answer{{status: 200}}}
		c := &Client{Service: "s3", Region: "r", Credentials: &role{}, Transport: s}
		err := get(t.Context(), c, url)
		assert.Equal(t, want, err == nil, url)
		assert.Equal(t, want, len(s.requests) == 1, url)
	}
}

func TestErrorsAreShortAndPrintable(t *testing.T) {
	for _, body := range []string{
		s3Error(strings.Repeat("x", 1<<20)),
		"<Error><Code>a\x1b[31mb\nc</Code></Error>",
		`{"__type":"` + strings.Repeat("y", 1000) + `","message":"a\u001b[31m\nb"}`,
		strings.Repeat("<a>", 100_000),
	} {
		s := &service{answers: []answer{{status: 403, header: http.Header{"Location": {"x\r\ny"}}, body: body}}}
		err := do(t, s)
		require.Error(t, err)
		assert.Less(t, len(err.Error()), 1000)
		assert.NotContains(t, err.Error(), "\n")
		assert.NotContains(t, err.Error(), "\x1b")
	}
}

func TestAKeyIsNotPrinted(t *testing.T) {
	k := Key{Access: "AKIA", Secret: "the-secret"}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		assert.NotContains(t, fmt.Sprintf(verb, k), "the-secret")
		assert.NotContains(t, fmt.Sprintf(verb, Credentials(k)), "the-secret")
	}
}
