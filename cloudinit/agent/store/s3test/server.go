// Package s3test runs a real S3 server for tests: versitygw, in a folder of the
// test, with versions and signature checks. A proxy in front of it simulates
// faults of a network and a cloud.
package s3test

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"escala/cloudinit/agent/sigv4"
)

// Variable is the environment variable with the path of the server's program.
// If it is set, as in make test, a test fails without the server. If it is not
// set, the test uses bin/versitygw of the clone, and is skipped if that file
// does not exist.
const Variable = "ESCALA_S3_SERVER"

// Region is the server's region.
const Region = "eu-central-1"

// Fault changes one request. It reports whether it has answered the request. If
// not, the server answers.
type Fault func(w http.ResponseWriter, r *http.Request) bool

// Server is one S3 server.
type Server struct {
	// URL is the server's URL. A bucket's name is the path.
	URL string

	t    testing.TB
	root sigv4.Key

	mu       sync.Mutex
	fault    Fault
	requests []string
}

// Start starts a server that ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	program := os.Getenv(Variable)
	if program == "" {
		program = built()
	}
	if program == "" {
		t.Skip("the S3 server is not built: make bin/versitygw")
	}
	// The server does not use t.TempDir, because a socket's path has at most
	// 107 bytes.
	folder, err := os.MkdirTemp("", "s3-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(folder) })
	for _, name := range []string{"objects", "versions", "metadata", "accounts"} {
		if err := os.Mkdir(filepath.Join(folder, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	socket := filepath.Join(folder, "socket")
	s := &Server{t: t, root: sigv4.Key{Access: "root", Secret: "root-secret"}}
	var log bytes.Buffer
	cmd := exec.CommandContext(t.Context(), program,
		"--port", socket, "--region", Region, "--iam-dir", filepath.Join(folder, "accounts"), "--iam-cache-disable", "--health", "/health", "--quiet",
		"posix", "--sidecar", filepath.Join(folder, "metadata"), "--versioning-dir", filepath.Join(folder, "versions"),
		filepath.Join(folder, "objects"))
	cmd.Env = append(os.Environ(), "ROOT_ACCESS_KEY="+s.root.Access, "ROOT_SECRET_KEY="+s.root.Secret)
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		// The test's end kills the server, so its exit status is ignored.
		_ = cmd.Wait()
		close(ended)
	}()
	t.Cleanup(func() { <-ended })

	front := httptest.NewServer(s.proxy(socket))
	t.Cleanup(front.Close)
	s.URL = front.URL
	for began := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		if s.healthy() {
			break
		}
		select {
		case <-ended:
			t.Fatalf("the S3 server ends: %s", log.String())
		default:
		}
		if time.Since(began) > time.Minute {
			t.Fatal("the S3 server does not answer within a minute")
		}
	}
	s.mu.Lock()
	s.requests = nil
	s.mu.Unlock()
	return s
}

func (s *Server) healthy() bool {
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.URL+"/health", nil)
	if err != nil {
		return false
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return resp.StatusCode == http.StatusOK
}

// built returns bin/versitygw of the test's clone, if it exists.
func built() string {
	folder, err := os.Getwd()
	for err == nil && folder != filepath.Dir(folder) {
		program := filepath.Join(folder, "bin", "versitygw")
		if _, err := os.Stat(program); err == nil {
			return program
		}
		folder = filepath.Dir(folder)
	}
	return ""
}

func (s *Server) proxy(socket string) http.Handler {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}
	forward := &httputil.ReverseProxy{
		// The host must stay as it was signed.
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL = &url.URL{Scheme: "http", Host: "s3", Path: r.In.URL.Path, RawPath: r.In.URL.RawPath, RawQuery: r.In.URL.RawQuery}
			r.Out.Host = r.In.Host
		},
		Transport:    &http.Transport{DialContext: dial, DisableCompression: true},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		fault := s.fault
		s.requests = append(s.requests, r.Method+" "+r.URL.Path)
		s.mu.Unlock()
		if fault == nil || !fault(w, r) {
			forward.ServeHTTP(w, r)
		}
	})
}

// Set applies fault to every later request. Nil removes it.
func (s *Server) Set(fault Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.fault = fault
}

// Requests returns the requests since Start or the last call, such as "GET
// /bucket/key".
func (s *Server) Requests() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := s.requests
	s.requests = nil
	return requests
}

// BucketURL returns the bucket's URL.
func (s *Server) BucketURL(bucket string) string { return s.URL + "/" + bucket }

// Client returns a client that signs with the key.
func (s *Server) Client(key sigv4.Credentials) *sigv4.Client {
	return &sigv4.Client{Service: "s3", Region: Region, Credentials: key}
}

// Do sends a request with the root account's key. A refusal fails the test.
func (s *Server) Do(method, path string, body []byte) []byte {
	s.t.Helper()
	resp, err := s.Client(s.root).Do(s.t.Context(), sigv4.Request{Method: method, URL: s.URL + path, Body: body})
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	return b
}

// MakeBucket makes a bucket with versions, like the clouds' buckets.
func (s *Server) MakeBucket(name string) {
	s.t.Helper()
	s.Do(http.MethodPut, "/"+name, nil)
	s.Do(http.MethodPut, "/"+name+"?versioning=", []byte(`<VersioningConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Status>Enabled</Status></VersioningConfiguration>`))
}

// MakeKey makes an account without permissions and returns its key.
func (s *Server) MakeKey(name string) sigv4.Key {
	s.t.Helper()
	key := sigv4.Key{Access: name, Secret: name + "-secret"}
	body, err := xml.Marshal(struct { //nolint:gosec // the test's own key, for the test's own server
		XMLName              xml.Name `xml:"Account"`
		Access, Secret, Role string
	}{Access: key.Access, Secret: key.Secret, Role: "user"})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Do(http.MethodPatch, "/create-user", body)
	return key
}

// Statement is a statement of a bucket's policy.
type Statement struct {
	Key sigv4.Key
	// Actions are S3 actions, such as "s3:GetObject".
	Actions []string
	// Resources are paths below the bucket, such as "releases/*".
	Resources []string
}

// SetPolicy replaces the bucket's policy.
func (s *Server) SetPolicy(bucket string, statements ...Statement) {
	s.t.Helper()
	var list []map[string]any
	for _, statement := range statements {
		var resources []string
		for _, resource := range statement.Resources {
			resources = append(resources, "arn:aws:s3:::"+bucket+"/"+resource)
		}
		list = append(list, map[string]any{
			"Effect": "Allow", "Principal": map[string]any{"AWS": []string{statement.Key.Access}},
			"Action": statement.Actions, "Resource": resources,
		})
	}
	body, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": list})
	if err != nil {
		s.t.Fatal(err)
	}
	s.Do(http.MethodPut, "/"+bucket+"?policy=", body)
}

// Error answers with an error in S3's form.
func Error(w http.ResponseWriter, status int, code, message string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>`+"\n<Error><Code>%s</Code><Message>%s</Message><RequestId>1</RequestId></Error>", code, message)
}
