// Package awslogin finds the AWS credentials of the operator: those of the
// environment, otherwise those that AWS' command line returns for the profile. The
// command line supports profiles, roles, web identities and single sign-on.
package awslogin

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"escala/cloudinit/agent/sigv4"
	"escala/infra/operate"
)

// Login provides the credentials. It looks them up on first use.
type Login struct {
	// Profile is the name of a profile. Default: AWS_PROFILE, or the default one.
	Profile string

	mu   sync.Mutex
	held *aws.Credentials
}

var _ sigv4.Credentials = (*Login)(nil)

// askTimeout limits AWS' command line, which may ask for a token.
const askTimeout = 20 * time.Second

// Retrieve returns the credentials. The error wraps operate.ErrNoLogin if there
// are none.
func (l *Login) Retrieve(ctx context.Context) (aws.Credentials, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held != nil {
		return *l.held, nil
	}
	found, ok := fromEnvironment(l.Profile)
	if !ok {
		var err error
		if found, err = l.fromCommand(ctx); err != nil {
			return aws.Credentials{}, err
		}
	}
	l.held = &found
	return found, nil
}

// Invalidate makes the next Retrieve look the credentials up again.
func (l *Login) Invalidate() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held = nil
}

// fromEnvironment returns the credentials in the environment's variables. A profile
// that the stack names takes precedence.
func fromEnvironment(profile string) (aws.Credentials, bool) {
	c := aws.Credentials{
		AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
		SessionToken: os.Getenv("AWS_SESSION_TOKEN"),
	}
	return c, profile == "" && c.AccessKeyID != "" && c.SecretAccessKey != ""
}

// fromCommand runs `aws configure export-credentials`, which AWS' command line has
// since version 2.9. Its format is that of a profile's credential_process.
func (l *Login) fromCommand(ctx context.Context) (aws.Credentials, error) {
	none := aws.Credentials{}
	if _, err := exec.LookPath("aws"); err != nil {
		return none, fmt.Errorf("%w for AWS: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or install AWS' command line and log in", operate.ErrNoLogin)
	}
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	args := []string{"configure", "export-credentials", "--format", "process"}
	if l.Profile != "" {
		args = append(args, "--profile", l.Profile)
	}
	cmd := exec.CommandContext(ctx, "aws", args...)
	cmd.WaitDelay = time.Second
	var out, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &stderr
	if err := cmd.Run(); err != nil {
		return none, fmt.Errorf("%w for AWS: aws configure export-credentials: %s", operate.ErrNoLogin,
			cmp.Or(strings.TrimSpace(stderr.String()), err.Error()))
	}
	var made struct{ AccessKeyID, SecretAccessKey, SessionToken string }
	if err := json.Unmarshal(out.Bytes(), &made); err != nil {
		// The error of the decoder would quote the secret.
		return none, errors.New("aws configure export-credentials printed no JSON")
	}
	if made.AccessKeyID == "" || made.SecretAccessKey == "" {
		return none, fmt.Errorf("%w for AWS: aws configure export-credentials printed none", operate.ErrNoLogin)
	}
	return aws.Credentials{AccessKeyID: made.AccessKeyID, SecretAccessKey: made.SecretAccessKey, SessionToken: made.SessionToken}, nil
}
