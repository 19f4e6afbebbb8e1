package host

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// rpcTimeout is the time limit of a call.
const rpcTimeout = 10 * time.Second

// value is an XML-RPC value.
type value struct {
	Int    string   `xml:"int"`
	I4     string   `xml:"i4"`
	Bool   string   `xml:"boolean"`
	String string   `xml:"string"`
	Plain  string   `xml:",chardata"`
	Array  []value  `xml:"array>data>value"`
	Struct []member `xml:"struct>member"`
}

type member struct {
	Name  string `xml:"name"`
	Value value  `xml:"value"`
}

func (v value) items() []value { return v.Array }

func (v value) field(name string) value {
	for _, m := range v.Struct {
		if m.Name == name {
			return m.Value
		}
	}
	return value{}
}

func (v value) text() string {
	if v.String != "" {
		return v.String
	}
	return strings.TrimSpace(v.Plain)
}

func (v value) number() int {
	n, _ := strconv.Atoi(strings.TrimSpace(v.Int + v.I4))
	return n
}

// fault is an error answer of supervisord.
type fault struct {
	code int
	text string
}

func (f fault) Error() string { return fmt.Sprintf("%s (%d)", f.text, f.code) }

// call calls a method of supervisord. Arguments are strings and booleans.
func (s *Supervisord) call(ctx context.Context, method string, args ...any) (value, error) {
	answer, err := s.post(ctx, method, args)
	if err != nil {
		return value{}, fmt.Errorf("supervisord: %w", err)
	}
	return answer, nil
}

func (s *Supervisord) post(ctx context.Context, method string, args []any) (value, error) {
	ctx, cancel := context.WithTimeout(ctx, rpcTimeout)
	defer cancel()
	body, err := encode(method, args)
	if err != nil {
		return value{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://supervisor/RPC2", bytes.NewReader(body))
	if err != nil {
		return value{}, err
	}
	req.Header.Set("Content-Type", "text/xml")
	resp, err := exchange(ctx, s.Root.path(SupervisorSocket), req)
	if err != nil {
		return value{}, fmt.Errorf("it does not answer at %s: %w", SupervisorSocket, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return value{}, fmt.Errorf("it answers %s", resp.Status)
	}
	var decoded struct {
		Params []value `xml:"params>param>value"`
		Fault  *value  `xml:"fault>value"`
	}
	if err := xml.NewDecoder(resp.Body).Decode(&decoded); err != nil {
		return value{}, fmt.Errorf("reading its answer: %w", err)
	}
	switch {
	case decoded.Fault != nil:
		return value{}, fault{decoded.Fault.field("faultCode").number(), decoded.Fault.field("faultString").text()}
	case len(decoded.Params) != 1:
		return value{}, fmt.Errorf("its answer has %d values, not one", len(decoded.Params))
	}
	return decoded.Params[0], nil
}

// encode returns a call as XML.
func encode(method string, args []any) ([]byte, error) {
	type param struct {
		String  *string `xml:"value>string"`
		Boolean *int    `xml:"value>boolean"`
	}
	call := struct {
		XMLName xml.Name `xml:"methodCall"`
		Method  string   `xml:"methodName"`
		Params  []param  `xml:"params>param"`
	}{Method: method}
	for _, arg := range args {
		switch arg := arg.(type) {
		case string:
			call.Params = append(call.Params, param{String: &arg})
		case bool:
			n := 0
			if arg {
				n = 1
			}
			call.Params = append(call.Params, param{Boolean: &n})
		default:
			return nil, fmt.Errorf("calling %s: %T cannot be an argument", method, arg)
		}
	}
	return xml.Marshal(call)
}
