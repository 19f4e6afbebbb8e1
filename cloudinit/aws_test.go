package cloudinit

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakeAWS simulates S3 (or Spaces), the Parameter Store and the instance
// metadata service on loopback. It answers requests with a valid AWS signature,
// and refuses all others as AWS does.
type fakeAWS struct {
	*httptest.Server
	// id, secret and session are the valid credentials. Without a session, it
	// simulates Spaces.
	id, secret, session string
	objects, parameters map[string]string
	refused             []string
	tokens              map[string]bool

	// mu guards all fields, because the test and the server run in different
	// goroutines.
	mu sync.Mutex
}

func newFakeAWS(t *testing.T) *fakeAWS {
	t.Helper()
	f := &fakeAWS{
		id: "ASIAEXAMPLE", secret: "wJalr/XUtnFEMI+K7MDENG", session: "IQoJb3JpZ2luX2VjE+/=",
		objects: map[string]string{}, parameters: map[string]string{}, tokens: map[string]bool{},
	}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeAWS) refuse(w http.ResponseWriter, format string, args ...any) {
	f.refused = append(f.refused, fmt.Sprintf(format, args...))
	w.WriteHeader(http.StatusForbidden)
}

// change changes the server's state between two requests.
func (f *fakeAWS) change(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
}

// refusals returns the refused requests so far, with the reasons.
func (f *fakeAWS) refusals() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.refused)
}

func (f *fakeAWS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if strings.HasPrefix(r.URL.Path, "/latest/") {
		f.metadata(w, r)
		return
	}
	body, _ := io.ReadAll(r.Body)
	if err := f.verify(r, body); err != nil {
		f.refuse(w, "%s %s: %s", r.Method, r.URL.Path, err)
		return
	}
	if r.Header.Get("X-Amz-Target") == "AmazonSSM.GetParameters" {
		f.parameter(w, r, body)
		return
	}
	content, ok := f.objects[r.URL.Path]
	if !ok || r.Method != http.MethodGet {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_, _ = io.WriteString(w, content)
}

// metadata simulates the instance metadata service, version 2 only.
func (f *fakeAWS) metadata(w http.ResponseWriter, r *http.Request) {
	path := strings.TrimPrefix(r.URL.Path, "/latest/")
	if path == "api/token" {
		if r.Method != http.MethodPut || r.Header.Get("X-Aws-Ec2-Metadata-Token-Ttl-Seconds") == "" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		token := fmt.Sprintf("token-%d==", len(f.tokens))
		f.tokens[token] = true
		_, _ = io.WriteString(w, token)
		return
	}
	if !f.tokens[r.Header.Get("X-Aws-Ec2-Metadata-Token")] {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	switch path {
	case "meta-data/iam/security-credentials/":
		_, _ = io.WriteString(w, "api-machine")
	case "meta-data/iam/security-credentials/api-machine":
		// AWS writes one field per line.
		_, _ = fmt.Fprintf(w, "{\n  \"Code\" : \"Success\",\n  \"LastUpdated\" : \"2026-01-01T00:00:00Z\",\n  \"Type\" : \"AWS-HMAC\",\n"+
			"  \"AccessKeyId\" : %q,\n  \"SecretAccessKey\" : %q,\n  \"Token\" : %q,\n  \"Expiration\" : \"2026-01-01T06:00:00Z\"\n}", f.id, f.secret, f.session)
	default:
		w.WriteHeader(http.StatusNotFound)
	}
}

func (f *fakeAWS) parameter(w http.ResponseWriter, r *http.Request, body []byte) {
	var ask struct {
		Names          []string
		WithDecryption bool
	}
	if err := json.Unmarshal(body, &ask); err != nil || !ask.WithDecryption || r.Header.Get("Content-Type") != "application/x-amz-json-1.1" {
		f.refuse(w, "GetParameters %s", body)
		return
	}
	var found []map[string]any
	var missing []string
	for _, name := range ask.Names {
		if value, ok := f.parameters[name]; ok {
			found = append(found, map[string]any{"Name": name, "Type": "SecureString", "Value": value, "Version": 1})
		} else {
			missing = append(missing, name)
		}
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"Parameters": found, "InvalidParameters": missing})
}

// verify checks a request's signature ("Signature Version 4 signing process").
func (f *fakeAWS) verify(r *http.Request, body []byte) error {
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 ")
	if !ok {
		return errors.New("it is not signed")
	}
	parts := map[string]string{}
	for _, part := range strings.Split(rest, ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[key] = value
	}
	scope := strings.SplitN(parts["Credential"], "/", 2)
	if len(scope) != 2 || scope[0] != f.id {
		return fmt.Errorf("the key is %q", parts["Credential"])
	}
	date := r.Header.Get("X-Amz-Date")
	when, err := time.Parse("20060102T150405Z", date)
	if err != nil || time.Since(when).Abs() > 5*time.Minute {
		return fmt.Errorf("the date is %q", date)
	}
	if f.session != "" && r.Header.Get("X-Amz-Security-Token") != f.session {
		return fmt.Errorf("the session token is %q", r.Header.Get("X-Amz-Security-Token"))
	}
	signed := strings.Split(parts["SignedHeaders"], ";")
	var headers strings.Builder
	for _, name := range signed {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		fmt.Fprintf(&headers, "%s:%s\n", name, strings.TrimSpace(value))
	}
	required := []string{"host", "x-amz-date"}
	if r.Method == http.MethodGet {
		// S3 refuses a request without this header. The Parameter Store does
		// not.
		required = append(required, "x-amz-content-sha256")
	}
	for _, name := range required {
		if i := sort.SearchStrings(signed, name); i == len(signed) || signed[i] != name {
			return fmt.Errorf("%s is not signed", name)
		}
	}
	sum := sha256.Sum256(body)
	payload := hex.EncodeToString(sum[:])
	if said := r.Header.Get("X-Amz-Content-Sha256"); r.Method == http.MethodGet && said != payload {
		return fmt.Errorf("the body's hash is %q", said)
	}
	path := &url.URL{Path: r.URL.Path}
	request := strings.Join([]string{r.Method, path.EscapedPath(), r.URL.RawQuery, headers.String(), parts["SignedHeaders"], payload}, "\n")
	hashed := sha256.Sum256([]byte(request))
	toSign := strings.Join([]string{"AWS4-HMAC-SHA256", date, scope[1], hex.EncodeToString(hashed[:])}, "\n")
	key := []byte("AWS4" + f.secret)
	for _, part := range strings.Split(scope[1], "/") {
		key = mac(key, part)
	}
	if want := hex.EncodeToString(mac(key, toSign)); want != parts["Signature"] {
		return fmt.Errorf("the signature over %q is not right", request)
	}
	return nil
}

func mac(key []byte, s string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, s)
	return h.Sum(nil)
}
