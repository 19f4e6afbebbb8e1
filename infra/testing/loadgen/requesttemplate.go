package loadgen

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
)

// requestTemplate holds the parts of a stream's requests that do not change, so
// that sending a request is cheap.
type requestTemplate struct {
	stream  Stream
	kept    []byte // header of a request over a kept connection
	fresh   []byte // header of a request over a connection of its own
	padding []byte
	request *http.Request // gives the method to the parser of answers
}

func newRequestTemplate(number int, s Stream, where target) *requestTemplate {
	header := func(connection string) []byte {
		var b bytes.Buffer
		fmt.Fprintf(&b, "%s %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: escala-load\r\nConnection: %s\r\n", s.Method, s.Path, where.host, connection)
		if s.BodyBytes > 0 {
			fmt.Fprintf(&b, "Content-Type: text/plain\r\nContent-Length: %d\r\n", s.BodyBytes)
		}
		b.WriteString("\r\n")
		return b.Bytes()
	}
	return &requestTemplate{
		stream:  s,
		kept:    header("keep-alive"),
		fresh:   header("close"),
		padding: bytes.Repeat([]byte{'a' + byte(number%26)}, s.BodyBytes),
		request: &http.Request{Method: s.Method},
	}
}

// appendRequest appends the whole request to b and returns it with its body.
// The body is the arrival's number, padded.
func (p *requestTemplate) appendRequest(b []byte, a arrival) (whole, body []byte) {
	if a.keep {
		b = append(b, p.kept...)
	} else {
		b = append(b, p.fresh...)
	}
	begin := len(b)
	if p.stream.BodyBytes > 0 {
		b = strconv.AppendUint(b, a.number, 10)
		if written := len(b) - begin; written > p.stream.BodyBytes {
			b = b[:begin+p.stream.BodyBytes]
		} else {
			b = append(b, p.padding[written:]...)
		}
	}
	return b, b[begin:]
}
