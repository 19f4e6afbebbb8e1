package s3test

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"escala/cloudinit/agent/sigv4"
)

// Grant is a Spaces key's permission for a bucket: "read" or "readwrite". The
// smallest scope is a bucket (DigitalOcean's API reference, "Create a New
// Spaces Access Key").
type Grant struct{ Bucket, Permission string }

var accessKey = regexp.MustCompile(`Credential=([^/]+)/`)

// Spaces makes the server treat the key as Spaces does. Spaces differs from S3:
//
//   - a key has one grant per bucket ("Spaces Access Keys"), and there are no
//     roles and no session tokens ("Spaces API": IAM and STS are not supported);
//   - a bucket with such a key accepts no policy ("Configure Bucket Policies");
//   - an unsupported operation is NotImplemented ("S3 Compatibility");
//   - an error has a code and a request's id, but no message, so that a test
//     detects a client that needs one.
//
// The server itself still checks the signature.
func (s *Server) Spaces(key sigv4.Key, grants ...Grant) {
	s.t.Helper()
	for _, grant := range grants {
		actions := []string{"s3:GetObject"}
		if grant.Permission == "readwrite" {
			actions = append(actions, "s3:PutObject", "s3:DeleteObject")
		}
		s.SetPolicy(grant.Bucket, Statement{Key: key, Actions: actions, Resources: []string{"*"}})
	}
	s.Set(func(w http.ResponseWriter, r *http.Request) bool {
		refuse := func(status int, code string) bool {
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?><Error><Code>%s</Code><RequestId>tx00000000000001037eae3-0059ae1784-8e28-fra1b</RequestId><HostId>8e28-fra1b-fra1-zg01</HostId></Error>`, code)
			return true
		}
		signer := accessKey.FindStringSubmatch(r.Header.Get("Authorization"))
		if signer == nil || signer[1] != key.Access {
			return false
		}
		bucket, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		permission := ""
		for _, grant := range grants {
			if grant.Bucket == bucket {
				permission = grant.Permission
			}
		}
		write := r.Method != http.MethodGet && r.Method != http.MethodHead
		switch {
		case r.Header.Get("X-Amz-Security-Token") != "":
			return refuse(http.StatusForbidden, "InvalidAccessKeyId")
		case r.URL.Query().Has("policy"), permission == "", write && permission != "readwrite":
			return refuse(http.StatusForbidden, "AccessDenied")
		case r.Header.Get("X-Amz-Trailer") != "":
			return refuse(http.StatusNotImplemented, "NotImplemented")
		}
		return false
	})
}
