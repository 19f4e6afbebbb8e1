package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"escala/service"
)

// claims sends each header with which a client could claim to be another one. It
// checks the effects that are visible from outside: the request's id in the answer,
// and whether a page of another host may post.
func (r *checkRun) claims(ctx context.Context) error {
	if r.endpoint.TrustsClientHeaders != "" {
		return NotApplicable("%s", r.endpoint.TrustsClientHeaders)
	}
	client := r.endpoint.client()
	defer client.CloseIdleConnections()
	const foreign, forged = "elsewhere.example", "forged-by-a-client"
	var failures []error
	for _, name := range service.ClientClaims {
		resp, err := r.endpoint.do(ctx, client, http.MethodGet, "/", nil, http.Header{name: {forged}})
		if err != nil {
			return fmt.Errorf("claiming %s: %w", name, err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK || strings.Contains(fmt.Sprint(resp.Header), forged) {
			failures = append(failures, fmt.Errorf("%s: %s is answered %s with %v", name, forged, resp.Status, resp.Header))
		}
		// A claimed host must not make the foreign page the service's own.
		for _, value := range []string{foreign, "host=" + foreign + ";proto=http"} {
			header := http.Header{"Origin": {"http://" + foreign}, name: {value}}
			resp, err := r.endpoint.do(ctx, client, http.MethodPost, "/echo", strings.NewReader("x"), header)
			if err != nil {
				return fmt.Errorf("claiming %s: %w", name, err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusForbidden {
				failures = append(failures, fmt.Errorf("%s: %s lets a page of %s post: %s", name, value, foreign, resp.Status))
			}
		}
	}
	// The service's own page may send the same request. This proves that the
	// refusals above are due to the page's host.
	resp, err := r.endpoint.do(ctx, client, http.MethodPost, "/echo", strings.NewReader("x"), http.Header{"Origin": {"http://" + r.endpoint.authority()}})
	if err != nil {
		return fmt.Errorf("posting from the service's own page: %w", err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		failures = append(failures, fmt.Errorf("the service's own page may not post: %s", resp.Status))
	}
	return errors.Join(failures...)
}
