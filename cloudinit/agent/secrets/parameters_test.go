package secrets

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/sigv4"
)

// parameterStore simulates Systems Manager's GetParameters by its reference: at
// most ten names, missing names in InvalidParameters and not as an error,
// answers sorted by name, errors as JSON with 400.
type parameterStore struct {
	*httptest.Server
	mu       sync.Mutex
	values   map[string]string
	refuse   []string // error types of the next answers
	requests int
	raw      string
}

func newParameterStore(t *testing.T, values map[string]string) *parameterStore {
	s := &parameterStore{values: values}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.Close)
	return s
}

func (s *parameterStore) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	fail := func(status int, code, message string) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(map[string]string{"__type": "com.amazonaws.ssm#" + code, "message": message})
	}
	var request struct {
		Names          []string
		WithDecryption bool
	}
	switch {
	case len(s.refuse) > 0:
		fail(http.StatusBadRequest, s.refuse[0], "Rate exceeded")
		s.refuse = s.refuse[1:]
		return
	case s.raw != "":
		io.WriteString(w, s.raw)
		return
	case r.Method != http.MethodPost || r.Header.Get("X-Amz-Target") != "AmazonSSM.GetParameters":
		fail(http.StatusBadRequest, "UnknownOperationException", "")
		return
	case !strings.Contains(r.Header.Get("Authorization"), "/eu-central-1/ssm/aws4_request"):
		fail(http.StatusBadRequest, "InvalidSignatureException", "Credential should be scoped to correct service: 'ssm'.")
		return
	case json.NewDecoder(r.Body).Decode(&request) != nil || len(request.Names) < 1 || len(request.Names) > 10:
		fail(http.StatusBadRequest, "ValidationException", "Member must have length less than or equal to 10")
		return
	case !request.WithDecryption:
		fail(http.StatusBadRequest, "ValidationException", "this test wants values")
		return
	}
	answer := map[string][]any{"Parameters": {}, "InvalidParameters": {}}
	for _, name := range request.Names {
		if value, there := s.values[name]; there {
			answer["Parameters"] = append([]any{map[string]any{"Name": name, "Type": "SecureString", "Value": value, "Version": 1}}, answer["Parameters"]...)
		} else {
			answer["InvalidParameters"] = append(answer["InvalidParameters"], name)
		}
	}
	json.NewEncoder(w).Encode(answer)
}

func (s *parameterStore) reader(names ...string) Parameters {
	return NewParameters(names, "/escala/production", "eu-central-1", s.URL, sigv4.Key{Access: "AKIA", Secret: "key-secret"})
}

func TestParametersInBatchesOfTen(t *testing.T) {
	values := map[string]string{"/escala/other/NAME_1": "of another service"}
	var names []string
	for i := range 23 {
		name := fmt.Sprintf("NAME_%d", i)
		names = append(names, name)
		values["/escala/production/"+name] = fmt.Sprintf("value %d 'quoted'\n", i)
	}
	s := newParameterStore(t, values)
	got, err := s.reader(names...).Read(t.Context())
	require.NoError(t, err)
	assert.Len(t, got, 23)
	assert.Equal(t, "value 22 'quoted'\n", got["NAME_22"])
	assert.Equal(t, 3, s.requests)
}

func TestParametersAreAllOrNone(t *testing.T) {
	s := newParameterStore(t, map[string]string{"/escala/production/A": "secret-value"})
	got, err := s.reader("A", "B", "C").Read(t.Context())
	require.ErrorIs(t, err, ErrMissing)
	assert.Nil(t, got)
	require.ErrorContains(t, err, "/escala/production/B, /escala/production/C")
	assert.NotContains(t, err.Error(), "secret-value")
}

func TestParametersThroughThrottling(t *testing.T) {
	s := newParameterStore(t, map[string]string{"/escala/production/A": "1"})
	s.refuse = []string{"ThrottlingException", "InternalServerError"}
	got, err := s.reader("A").Read(t.Context())
	require.NoError(t, err)
	assert.Equal(t, "1", got["A"])
	assert.Equal(t, 3, s.requests)

	s.refuse = strings.Fields(strings.Repeat("ThrottlingException ", 9))
	_, err = s.reader("A").Read(t.Context())
	require.ErrorIs(t, err, ErrUnreachable)
	require.ErrorContains(t, err, "ThrottlingException: Rate exceeded")
}

func TestParametersThatMayNotBeRead(t *testing.T) {
	s := newParameterStore(t, nil)
	s.refuse = []string{"AccessDeniedException"}
	_, err := s.reader("A").Read(t.Context())
	require.ErrorIs(t, err, ErrDenied)
	assert.Equal(t, 1, s.requests)
	assert.NotContains(t, err.Error(), "key-secret")
}

func TestParametersAnswerIsNotTrusted(t *testing.T) {
	s := newParameterStore(t, nil)
	for name, raw := range map[string]string{
		"no JSON":         `secret-value`,
		"a number":        `{"Parameters":[{"Name":"/escala/production/A","Value":"secret-value"},{"Name":1}]}`,
		"huge":            strings.Repeat("x", maxAnswer+1),
		"another's value": `{"Parameters":[{"Name":"/escala/production/LD_PRELOAD","Value":"secret-value"}]}`,
		"another path's":  `{"Parameters":[{"Name":"/escala/other/A","Value":"secret-value"}]}`,
	} {
		s.raw = raw
		_, err := s.reader("A").Read(t.Context())
		require.Error(t, err, name)
		assert.NotContains(t, err.Error(), "secret-value", name)
	}
	s.raw = `{"Parameters":[{"Name":"/escala/production/A","Value":"1"},{"Name":"/escala/production/LD_PRELOAD","Value":"x"}]}`
	got, err := s.reader("A").Read(t.Context())
	require.NoError(t, err)
	assert.Len(t, got, 1)
}
