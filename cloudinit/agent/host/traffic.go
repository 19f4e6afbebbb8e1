package host

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"escala/cloudinit/agent"
	"escala/service"
)

// Traffic asks Nginx for its counts, over a socket that only root can reach
// (machine/answers.lua is the other side). It reads supervisord's log for workers
// that ended by themselves.
type Traffic struct {
	Root   Root
	Config agent.Config

	ended  unexpected
	before int64
	began  bool
}

var _ agent.Traffic = (*Traffic)(nil)

// answersLimit is larger than Nginx' list, in bytes.
const answersLimit = 1 << 20

// noRelease stands for a release in the count of requests that no worker answered.
const noRelease = "-"

// Count returns the current sums.
func (t *Traffic) Count(ctx context.Context) (agent.Counts, error) {
	c, err := t.answers(ctx)
	if err != nil {
		return agent.Counts{}, fmt.Errorf("asking Nginx: %w", err)
	}
	for _, n := range t.ended.count(t.Root.path(SupervisorLog), t.Config) {
		c.Ended += int64(n)
	}
	if !t.began {
		t.before, t.began = c.Ended, true
	}
	c.Ended -= t.before
	return c, nil
}

func (t *Traffic) answers(ctx context.Context) (agent.Counts, error) {
	ctx, cancel := context.WithTimeout(ctx, nginxTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://nginx/", nil)
	if err != nil {
		return agent.Counts{}, err
	}
	resp, err := exchange(ctx, t.Root.path(AnswersSocket), req)
	if err != nil {
		return agent.Counts{}, err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(io.LimitReader(resp.Body, answersLimit))
	if err != nil {
		return agent.Counts{}, err
	}
	if resp.StatusCode != http.StatusOK {
		return agent.Counts{}, fmt.Errorf("it answers %s: %.200s", resp.Status, content)
	}
	return readAnswers(content)
}

// readAnswers reads Nginx' lines: "since" with its start, and "<release> <all>
// <failed>".
func readAnswers(content []byte) (agent.Counts, error) {
	c := agent.Counts{Answers: map[service.ReleaseID]agent.Answers{}}
	for lines := bufio.NewScanner(bytes.NewReader(content)); lines.Scan(); {
		if since, ok := strings.CutPrefix(lines.Text(), "since "); ok {
			c.Since = since
			continue
		}
		var release string
		var a agent.Answers
		if _, err := fmt.Sscan(lines.Text(), &release, &a.All, &a.Failed); err != nil {
			return agent.Counts{}, fmt.Errorf("reading what Nginx counts: %q: %w", lines.Text(), err)
		}
		switch id := service.ReleaseID(release); {
		case release == noRelease:
			c.Unanswered = a.Failed
		case id.Valid():
			c.Answers[id] = a
		}
	}
	if c.Since == "" {
		return agent.Counts{}, errors.New("reading what Nginx counts: it does not say since when")
	}
	return c, nil
}
