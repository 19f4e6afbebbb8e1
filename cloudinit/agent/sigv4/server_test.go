package sigv4_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/sigv4"
	"escala/cloudinit/agent/store/s3test"
)

func TestARealServerOfAnotherTime(t *testing.T) {
	s := s3test.Start(t)
	s.MakeBucket("bucket")
	key := s.MakeKey("machine")
	s.SetPolicy("bucket", s3test.Statement{Key: key, Actions: []string{"s3:PutObject"}, Resources: []string{"*"}})
	for _, off := range []time.Duration{-3 * time.Hour, 3 * time.Hour, -400 * 24 * time.Hour} {
		c := s.Client(key)
		c.SetSkew(off)
		s.Requests()
		resp, err := c.Do(t.Context(), sigv4.Request{Method: http.MethodPut, URL: s.BucketURL("bucket") + "/key", Body: []byte("x")})
		require.NoError(t, err, off)
		resp.Body.Close()
		assert.Len(t, s.Requests(), 2, off)
	}
}
