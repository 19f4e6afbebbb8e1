package secrets

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"escala/cloudinit/agent/sigv4"
)

const (
	// batch is the largest number of parameters in one GetParameters call.
	batch = 10
	// timeout is the time limit of a whole Read.
	timeout = 30 * time.Second
	// maxAnswer is more than the size of ten parameters of the larger kind, 8
	// KiB each.
	maxAnswer = 256 << 10
)

// Parameters are SecureStrings in AWS Systems Manager Parameter Store.
// GetParameters reads them by name. GetParametersByPath may return only some of
// them, and would need permission to read everything that is ever stored below
// the path.
type Parameters struct {
	// Names are the names of environment variables.
	Names []string
	// Path is the prefix of each name in the store. It begins with a slash and
	// does not end with one.
	Path string
	// URL is the service's URL, without a trailing slash.
	URL string
	// Client signs requests for Systems Manager ("ssm") in the parameters'
	// region.
	Client *sigv4.Client
}

var _ Source = Parameters{}

// NewParameters returns the parameters with these names below path in the
// region. endpoint is the service's URL; default AWS's own for the region.
func NewParameters(names []string, path, region, endpoint string, role sigv4.Credentials) Parameters {
	if endpoint == "" {
		domain := "amazonaws.com"
		if strings.HasPrefix(region, "cn-") {
			domain = "amazonaws.com.cn"
		}
		endpoint = fmt.Sprintf("https://ssm.%s.%s", region, domain)
	}
	return Parameters{
		Names: names, Path: path, URL: endpoint,
		Client: &sigv4.Client{Service: "ssm", Region: region, Credentials: role},
	}
}

// Read returns the values of all names.
func (p Parameters) Read(ctx context.Context) (Values, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	values := Values{}
	for names := range slices.Chunk(p.Names, batch) {
		if err := p.read(ctx, names, values); err != nil {
			return nil, fmt.Errorf("reading the secrets %s/{%s}: %w", p.Path, strings.Join(names, ","), err)
		}
	}
	var missing []string
	for _, name := range p.Names {
		if _, there := values[name]; !there {
			missing = append(missing, p.Path+"/"+name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("reading the secrets: %s: %w", strings.Join(missing, ", "), ErrMissing)
	}
	return values, values.check()
}

func (p Parameters) read(ctx context.Context, names []string, into Values) error {
	request := struct {
		Names          []string
		WithDecryption bool
	}{WithDecryption: true}
	for _, name := range names {
		request.Names = append(request.Names, p.Path+"/"+name)
	}
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	resp, err := p.Client.Do(ctx, sigv4.Request{
		Method: http.MethodPost, URL: p.URL + "/", Body: body,
		Header: http.Header{
			"Content-Type": {"application/x-amz-json-1.1"},
			"X-Amz-Target": {"AmazonSSM.GetParameters"},
		},
	})
	if err != nil {
		return parametersError(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("%w: the answer breaks off: %w", ErrUnreachable, err)
	}
	if len(b) > maxAnswer {
		return fmt.Errorf("%w: the answer has more than %d bytes", ErrUnreachable, maxAnswer)
	}
	var answer struct {
		Parameters []struct{ Name, Value string }
	}
	if json.Unmarshal(b, &answer) != nil {
		// The decoder's error could contain a part of a secret.
		return fmt.Errorf("%w: the answer is not what GetParameters answers", ErrUnreachable)
	}
	for _, parameter := range answer.Parameters {
		name, below := strings.CutPrefix(parameter.Name, p.Path+"/")
		// Only requested values may become environment variables.
		if below && slices.Contains(names, name) {
			into[name] = parameter.Value
		}
	}
	return nil
}

func parametersError(err error) error {
	var refused *sigv4.Error
	if errors.As(err, &refused) && refused.Status/100 == 4 && !refused.Temporary() {
		return fmt.Errorf("%w: %w", ErrDenied, err)
	}
	return fmt.Errorf("%w: %w", ErrUnreachable, err)
}
