package instance

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tokenTTL is the longest lifetime of a token that EC2 allows.
const tokenTTL = 6 * time.Hour

// EC2 is version 2 of EC2's instance metadata service. Each request needs a
// token, which a PUT returns ("Use the Instance Metadata Service to access
// instance metadata").
type EC2 struct {
	service

	mu    sync.Mutex
	token string
	until time.Time
}

// NewEC2 returns the service at url, without a trailing slash. Default
// DefaultURL.
func NewEC2(url string) *EC2 { return &EC2{service: newService(url)} }

// get reads an item. It replaces a rejected token (401) once: the service
// forgets tokens when the instance is stopped and started.
func (e *EC2) get(ctx context.Context, path string) (string, error) {
	for renewed := false; ; renewed = true {
		token, err := e.session(ctx, renewed)
		if err != nil {
			return "", err
		}
		item, err := e.ask(ctx, http.MethodGet, path, http.Header{"X-Aws-Ec2-Metadata-Token": {token}})
		var status statusError
		if renewed || !errors.As(err, &status) || status != http.StatusUnauthorized {
			return item, err
		}
	}
}

func (e *EC2) session(ctx context.Context, renew bool) (string, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if !renew && e.token != "" && time.Now().Before(e.until) {
		return e.token, nil
	}
	token, err := e.ask(ctx, http.MethodPut, "/latest/api/token",
		http.Header{"X-Aws-Ec2-Metadata-Token-Ttl-Seconds": {strconv.Itoa(int(tokenTTL.Seconds()))}})
	if err != nil {
		return "", err
	}
	if token == "" || strings.ContainsAny(token, "\r\n") {
		return "", errors.New("the metadata service returned no token")
	}
	e.token, e.until = token, time.Now().Add(tokenTTL-time.Minute)
	return token, nil
}
