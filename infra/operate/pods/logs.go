package pods

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"escala/infra/operate"
)

// maxLine is the size in bytes of the longest line that is read whole.
const maxLine = 256 << 10

// Logs passes the pods' lines to emit. Without Follow they are in the order of
// their times over all pods, with one line of each pod in memory.
func (c *Cluster) Logs(ctx context.Context, r operate.LogsRequest, emit func(operate.Line) error) error {
	pods, more, err := c.source(ctx, r.Source)
	if err != nil {
		return err
	}
	if r.Follow {
		return c.follow(ctx, r, pods, more, emit)
	}
	if selectsTail(r) {
		return c.tails(ctx, pods, r, emit)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var streams []*lines
	for _, p := range pods {
		s, err := c.lines(ctx, p, r)
		if err != nil {
			return err
		}
		defer s.body.Close()
		streams = append(streams, s)
	}
	for {
		var first *lines
		for _, s := range streams {
			if err := s.fill(); err != nil {
				return err
			}
			if s.full && (first == nil || s.head.Time.Before(first.head.Time)) {
				first = s
			}
		}
		if first == nil {
			return nil
		}
		first.full = false
		if err := emit(first.head); err != nil {
			return err
		}
	}
}

// podsEvery is the time between two checks for new pods.
const podsEvery = 3 * time.Second

// follow passes lines as they come. With more, it looks for pods that are created
// meanwhile.
func (c *Cluster) follow(ctx context.Context, r operate.LogsRequest, pods []pod, more bool, emit func(operate.Line) error) error {
	group, ctx := errgroup.WithContext(ctx)
	out := make(chan operate.Line)
	seen := map[string]bool{}
	start := func(p pod, r operate.LogsRequest) {
		seen[p.Metadata.UID] = true
		group.Go(func() error { return c.stream(ctx, p, r, out) })
	}
	for _, p := range pods {
		start(p, r)
	}
	group.Go(func() error {
		for more {
			select {
			case <-time.After(podsEvery):
			case <-ctx.Done():
				return ctx.Err()
			}
			pods, _, err := c.source(ctx, r.Source)
			if err != nil {
				continue // a moment's failure does not end the following
			}
			for _, p := range pods {
				if !seen[p.Metadata.UID] {
					// All of a new pod's lines are new.
					start(p, operate.LogsRequest{Since: p.Metadata.CreationTimestamp, Contains: r.Contains, Follow: true})
				}
			}
		}
		return nil
	})
	go func() {
		_ = group.Wait()
		close(out)
	}()
	var failed error
	for line := range out {
		if failed == nil {
			if failed = emit(line); failed != nil {
				group.Go(func() error { return failed })
			}
		}
	}
	return errors.Join(failed, group.Wait())
}

// stream passes the lines of one pod to out until the pod ends. The API ends a
// stream from time to time, and a pod that starts has no log yet.
func (c *Cluster) stream(ctx context.Context, p pod, r operate.LogsRequest, out chan<- operate.Line) error {
	var last time.Time
	if selectsTail(r) {
		kept, end, err := c.tail(ctx, p, r)
		if code(err) == http.StatusForbidden || code(err) == http.StatusUnauthorized {
			return err
		}
		for _, line := range kept {
			select {
			case out <- line:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		r.Since, r.Lines, last = end, 0, end
	}
	for ctx.Err() == nil {
		s, err := c.lines(ctx, p, r)
		switch code(err) {
		case http.StatusNotFound:
			return nil
		case http.StatusForbidden, http.StatusUnauthorized:
			return err
		}
		for err == nil {
			if err = s.fill(); err != nil || !s.full {
				break
			}
			s.full = false
			// The API repeats the lines of the second at which the request begins.
			if !last.IsZero() && !s.head.Time.After(last) {
				continue
			}
			last = s.head.Time
			select {
			case out <- s.head:
			case <-ctx.Done():
				err = ctx.Err()
			}
		}
		if s != nil {
			s.body.Close()
		}
		if !last.IsZero() {
			r.Since, r.Lines = last, 0
		}
		select {
		case <-time.After(pollInterval):
		case <-ctx.Done():
		}
	}
	return ctx.Err()
}

// lines is the log of one pod.
type lines struct {
	name     string
	body     io.ReadCloser
	reader   *bufio.Reader
	contains string
	head     operate.Line
	full     bool      // head is set
	last     time.Time // of the last line, also of one that is not selected
}

// lines opens the log of a pod.
func (c *Cluster) lines(ctx context.Context, p pod, r operate.LogsRequest) (*lines, error) {
	query := url.Values{"timestamps": {"true"}, "container": {p.container()}}
	switch {
	case !r.Since.IsZero():
		query.Set("sinceTime", r.Since.UTC().Format(time.RFC3339Nano))
	case r.Lines > 0 && r.Contains == "":
		query.Set("tailLines", strconv.Itoa(r.Lines))
	}
	if r.Follow {
		query.Set("follow", "true")
	}
	if r.Previous {
		query.Set("previous", "true")
	}
	body, err := c.open(ctx, http.MethodGet, "/api/v1/namespaces/"+c.Namespace+"/pods/"+p.Metadata.Name+"/log", query, nil)
	if err != nil {
		return nil, fmt.Errorf("reading the log of pod %s: %w", p.Metadata.Name, err)
	}
	return &lines{name: p.Metadata.Name, body: body, reader: bufio.NewReaderSize(body, maxLine), contains: r.Contains}, nil
}

// fill reads the next selected line. full is false at the end.
func (l *lines) fill() error {
	for !l.full {
		text, err := l.reader.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(text) == 0 {
			return nil
		}
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, bufio.ErrBufferFull) {
			return fmt.Errorf("reading the log of pod %s: %w", l.name, err)
		}
		line := strings.ToValidUTF8(strings.TrimRight(string(text), "\r\n"), "\uFFFD")
		stamp, rest, _ := strings.Cut(line, " ")
		at, err := time.Parse(time.RFC3339Nano, stamp)
		if err != nil {
			rest, at = line, l.last // the rest of a line that is too long
		}
		l.last = at
		if strings.Contains(rest, l.contains) {
			l.head, l.full = operate.Line{Source: l.name, Time: at, Text: rest}, true
		}
	}
	return nil
}
