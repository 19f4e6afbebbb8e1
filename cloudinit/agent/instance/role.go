package instance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"escala/cloudinit/agent/sigv4"
)

// renewBefore is the time before the expiry at which credentials are renewed.
// EC2 provides new ones at least five minutes before the expiry ("Retrieve
// security credentials from instance metadata").
const renewBefore = 5 * time.Minute

// renewEvery is the pause between two requests for new credentials while the
// service has no newer ones or does not answer.
const renewEvery = 30 * time.Second

// Role holds the credentials of the instance's role.
type Role struct {
	ec2 *EC2

	mu        sync.Mutex
	current   aws.Credentials
	requested time.Time
}

var _ sigv4.Credentials = (*Role)(nil)

// NewRole returns the role of the instance.
func NewRole(ec2 *EC2) *Role { return &Role{ec2: ec2} }

// Retrieve returns the credentials and renews them five minutes before they
// expire. If the renewal fails, it returns the old credentials, even after
// their expiry: the machine's clock may be wrong, so only the called service
// can decide that they have expired.
func (r *Role) Retrieve(ctx context.Context) (aws.Credentials, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	has := r.current.HasKeys()
	if has && (time.Until(r.current.Expires) > renewBefore || time.Since(r.requested).Abs() < renewEvery) {
		return r.current, nil
	}
	r.requested = time.Now()
	renewed, err := r.ask(ctx)
	switch {
	case err == nil:
		r.current = renewed
	case !has:
		return aws.Credentials{}, fmt.Errorf("reading the credentials of the machine's role: %w", err)
	}
	return r.current, nil
}

// Invalidate makes the next Retrieve ask the metadata service.
func (r *Role) Invalidate() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requested, r.current.Expires = time.Time{}, time.Time{}
}

func (r *Role) ask(ctx context.Context) (aws.Credentials, error) {
	none := aws.Credentials{}
	const folder = "/latest/meta-data/iam/security-credentials/"
	names, err := r.ec2.get(ctx, folder)
	if errors.Is(err, ErrAbsent) {
		return none, fmt.Errorf("the instance has no role yet: %w", err)
	}
	if err != nil {
		return none, err
	}
	name, _, _ := strings.Cut(names, "\n")
	if name == "" || strings.ContainsAny(name, "/?#%\r ") {
		return none, fmt.Errorf("the metadata service's name for the role is %.80q", name)
	}
	answer, err := r.ec2.get(ctx, folder+name)
	if err != nil {
		return none, err
	}
	var response struct {
		Code, Message                       string
		AccessKeyID, SecretAccessKey, Token string
		Expiration                          time.Time
	}
	if err := json.Unmarshal([]byte(answer), &response); err != nil {
		// The decoder's error could contain a part of a secret.
		return none, fmt.Errorf("the credentials of the role %s are not JSON", name)
	}
	if response.Code != "" && response.Code != "Success" {
		return none, fmt.Errorf("the role %s has no credentials: %.80q: %.300q", name, response.Code, response.Message)
	}
	credentials := aws.Credentials{
		AccessKeyID: response.AccessKeyID, SecretAccessKey: response.SecretAccessKey, SessionToken: response.Token,
		CanExpire: true, Expires: response.Expiration, Source: "the role " + name,
	}
	if !credentials.HasKeys() || response.Token == "" || response.Expiration.IsZero() {
		return none, fmt.Errorf("the credentials of the role %s are not complete", name)
	}
	return credentials, nil
}
