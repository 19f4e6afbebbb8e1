package s3test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"escala/cloudinit/agent/sigv4"
)

// Session simulates the credentials of a role, which versitygw does not have.
// The key is only valid with the token, and the signature must include the
// token. A valid request goes to the server with the key's own signature.
func (s *Server) Session(key sigv4.Key, token string) Fault {
	return func(w http.ResponseWriter, r *http.Request) bool {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			Error(w, http.StatusBadRequest, "IncompleteBody", "")
			return true
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		switch {
		case r.Header.Get("X-Amz-Security-Token") != token:
			Error(w, http.StatusForbidden, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
			return true
		case r.Header.Get("Authorization") != authorization(r, body, key, token):
			Error(w, http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided.")
			return true
		}
		r.Header.Del("X-Amz-Security-Token")
		r.Header.Set("Authorization", authorization(r, body, key, ""))
		return false
	}
}

var signedHeaders = regexp.MustCompile(`SignedHeaders=([^,]+),`)

// authorization returns the expected Authorization header of a request. It is
// "" if the request's token is not signed.
func authorization(r *http.Request, body []byte, key sigv4.Key, token string) string {
	names := signedHeaders.FindStringSubmatch(r.Header.Get("Authorization"))
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	if err != nil || names == nil || token != "" && !strings.Contains(names[1], "x-amz-security-token") {
		return ""
	}
	signed := r.Clone(r.Context())
	signed.Header, signed.ContentLength = http.Header{}, 0
	for _, name := range strings.Split(names[1], ";") {
		if name == "content-length" {
			signed.ContentLength = r.ContentLength
		} else if values := r.Header.Values(name); values != nil {
			signed.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	sum := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: key.Access, SecretAccessKey: key.Secret, SessionToken: token}
	err = v4.NewSigner().SignHTTP(r.Context(), credentials, signed, hex.EncodeToString(sum[:]), "s3", Region, at,
		func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		return ""
	}
	return signed.Header.Get("Authorization")
}
