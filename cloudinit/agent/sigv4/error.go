package sigv4

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"
)

// Error is an answer that is not 2xx.
type Error struct {
	// Status is the HTTP status.
	Status int
	// Code is the service's name of the error, such as "NoSuchKey" or
	// "ThrottlingException". It is empty if the answer has none.
	Code string
	// Message is the service's description of the error, at most 300 bytes.
	Message string
	// Location is the target of a redirect.
	Location string

	retryAfter time.Duration
	// date is the time of the service's clock. signed is the time in the
	// request.
	date, signed time.Time
}

// Error names the status, the code and the message.
func (e *Error) Error() string {
	s := fmt.Sprintf("%d %s", e.Status, http.StatusText(e.Status))
	if e.Code != "" {
		s = fmt.Sprintf("%d %s", e.Status, e.Code)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.Location != "" {
		s += ": a redirect to " + e.Location + ", which is not followed: is the region right?"
	}
	return s
}

// Temporary reports whether the same request may succeed soon. The codes are S3's
// ("Error responses"), Spaces' and Systems Manager's; the latter come with 400.
func (e *Error) Temporary() bool {
	switch e.Code {
	case "RequestTimeout", "SlowDown", "Throttling", "ThrottlingException", "TooManyRequestsException",
		"RequestThrottled", "RequestLimitExceeded", "InternalServerError", "ServiceUnavailable":
		return true
	}
	return e.Status >= 500 && e.Status != http.StatusNotImplemented || e.Status == http.StatusTooManyRequests || e.Status == http.StatusRequestTimeout
}

// Expired reports whether the credentials have expired or are not yet known to
// the service.
func (e *Error) Expired() bool {
	switch e.Code {
	case "ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "InvalidToken", "UnrecognizedClientException":
		return true
	}
	return false
}

// mayBeSkew reports whether a wrong clock can cause the code (aws-sdk-go-v2,
// aws/retry, clockSkewCodes; "Common Errors" of the query services).
func (e *Error) mayBeSkew() bool {
	switch e.Code {
	case "RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture", "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure", "AccessDeniedException":
		return true
	}
	return false
}

func parseError(resp *http.Response, body []byte) *Error {
	e := &Error{Status: resp.StatusCode, retryAfter: retryAfter(resp.Header, time.Now())}
	if resp.StatusCode/100 == 3 {
		e.Location = readable(resp.Header.Get("Location"))
	}
	// An invalid date stays zero.
	e.date, _ = http.ParseTime(resp.Header.Get("Date"))
	switch body = bytes.TrimSpace(body); {
	case bytes.HasPrefix(body, []byte("<")):
		var said struct{ Code, Message string }
		// An answer that is not XML has no code.
		_ = xml.Unmarshal(body, &said)
		e.Code, e.Message = readable(said.Code), readable(said.Message)
	case bytes.HasPrefix(body, []byte("{")):
		var said struct {
			Type    string `json:"__type"`
			Message string `json:"message"`
		}
		_ = json.Unmarshal(body, &said)
		e.Code, e.Message = readable(said.Type[strings.LastIndexByte(said.Type, '#')+1:]), readable(said.Message)
	}
	return e
}

// readable makes text from a server safe and short enough for a log line.
func readable(s string) string {
	s = strings.ToValidUTF8(s[:min(len(s), 300)], "")
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
}
