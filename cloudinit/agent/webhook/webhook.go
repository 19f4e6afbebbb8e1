// Package webhook sends an event to a person's chat or program: with one POST, in
// Slack's form or as plain JSON. The URL is a secret, so no error contains it.
package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"escala/service/event"
)

// Webhook is a URL that takes events.
type Webhook struct {
	// URL is a secret.
	URL string
	// Pause is the time before the second try. Default 1 s.
	Pause time.Duration
	// Timeout limits each of the two tries. Default 3 s.
	Timeout time.Duration
}

// maxTries is the number of times that an event is sent, if the receiver does not
// answer or answers that it is overloaded.
const maxTries = 2

// answerLimit is the largest part of an answer that is read, in bytes, so that the
// connection ends well.
const answerLimit = 4 << 10

// String hides the URL, so that no log contains it.
func (Webhook) String() string { return "a webhook" }

// GoString returns String.
func (w Webhook) GoString() string { return w.String() }

// Check returns the reason why a URL cannot be used. It does not quote the URL.
func Check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "":
		return errors.New("is not a URL; for example \"https://hooks.slack.com/services/…\"")
	case u.Scheme == "https", u.Scheme == "http" && inside(u.Hostname()):
		return nil
	default:
		return errors.New("is not an https:// URL; only a private address may have http://")
	}
}

// inside reports whether a host is on this computer or in a private network.
func inside(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsPrivate())
}

// Send sends an event. It takes at most two tries' time.
func (w Webhook) Send(ctx context.Context, e event.Event) error {
	body, err := w.body(e)
	if err != nil {
		return err
	}
	pause := w.Pause
	if pause == 0 {
		pause = time.Second
	}
	for try := 1; ; try++ {
		again, err := w.post(ctx, body)
		if err == nil || !again || try == maxTries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// post makes one try. again reports whether another one may help.
func (w Webhook) post(ctx context.Context, body []byte) (again bool, err error) {
	timeout := w.Timeout
	if timeout == 0 {
		timeout = 3 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, w.URL, bytes.NewReader(body))
	if err != nil {
		return false, errors.New("the webhook's URL cannot be used")
	}
	req.Header.Set("Content-Type", "application/json")
	// A redirect could lead to a place that must not get the event.
	client := http.Client{
		Transport:     &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	resp, err := client.Do(req)
	if err != nil {
		return true, fmt.Errorf("the webhook does not answer: %w", withoutURL(ctx, err))
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, answerLimit))
	switch {
	case resp.StatusCode/100 == 2:
		return false, nil
	case resp.StatusCode/100 == 5, resp.StatusCode == http.StatusTooManyRequests:
		return true, fmt.Errorf("the webhook answers %d", resp.StatusCode)
	default:
		return false, fmt.Errorf("the webhook answers %d", resp.StatusCode)
	}
}

// withoutURL returns the cause of a client's error, which quotes the URL.
func withoutURL(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	var failed *url.Error
	if errors.As(err, &failed) {
		return failed.Err
	}
	return errors.New("the request failed")
}

// slackHost is the host of Slack's webhooks ("Sending messages using incoming
// webhooks").
const slackHost = "hooks.slack.com"

// body returns the event in the receiver's form: Slack's at Slack's own host, and
// at any whose path ends with /slack, as Discord's and Mattermost's compatible ones
// do; otherwise the event as JSON.
func (w Webhook) body(e event.Event) ([]byte, error) {
	u, err := url.Parse(w.URL)
	if err != nil {
		return nil, errors.New("the webhook's URL cannot be used")
	}
	if u.Hostname() == slackHost || strings.HasSuffix(u.Path, "/slack") {
		return json.Marshal(map[string]string{"text": slackText(e)})
	}
	return json.Marshal(e)
}

// slackEscapes are the characters with a meaning in Slack's texts ("Formatting text
// for app surfaces", escaping text).
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

func slackText(e event.Event) string { return slackEscapes.Replace(e.String()) }
