package build

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Progress is the state of a compilation.
type Progress struct {
	// Package is the program that is compiled. Platform is its target platform.
	Package  string
	Platform Platform
	// Compiled is the number of packages compiled so far. Last is the last one.
	// Total is the number of packages of the program, 0 if unknown. Packages
	// that an earlier compilation cached are not compiled again.
	Compiled, Total int
	Last            string
	Elapsed         time.Duration
}

// String returns a line for people.
func (p Progress) String() string {
	text := fmt.Sprintf("compiling %s for %s: %d packages", p.Package, p.Platform, p.Compiled)
	if p.Total > 0 {
		text = fmt.Sprintf("compiling %s for %s: %d of %d packages", p.Package, p.Platform, p.Compiled, p.Total)
	}
	if p.Last != "" {
		text += ", now " + p.Last
	}
	return text + fmt.Sprintf(" (%s)", p.Elapsed.Round(time.Second))
}

// progressEvery is the time between two reports, and before the first one.
const progressEvery = 4 * time.Second

type progressKey struct{}

// WithProgress returns a context that reports compilations to a function every
// few seconds. Several goroutines may call the function at once.
func WithProgress(ctx context.Context, report func(Progress)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// reportProgress reports a compilation until the returned function is called.
// The go command writes the names of packages to the returned writer.
func (m goModule) reportProgress(ctx context.Context, pkg string, platform Platform) (names *packageNames, stop func()) {
	names = &packageNames{}
	report, wanted := ctx.Value(progressKey{}).(func(Progress))
	if !wanted {
		return names, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	began, done := time.Now(), make(chan struct{})
	go func() {
		defer close(done)
		total := 0
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(progressEvery):
			}
			if total == 0 {
				total = m.countPackages(ctx, pkg, platform)
			}
			compiled, last := names.state()
			if ctx.Err() == nil {
				report(Progress{Package: pkg, Platform: platform, Compiled: compiled, Total: total, Last: last, Elapsed: time.Since(began)})
			}
		}
	}()
	return names, func() {
		cancel()
		<-done
	}
}

// countPackages returns the number of packages of a program, 0 if unknown.
func (m goModule) countPackages(ctx context.Context, pkg string, platform Platform) int {
	args := append([]string{"list", "-deps"}, m.tags()...)
	cmd := m.command(ctx, platform, append(args, pkg)...)
	out, err := cmd.Output()
	if err != nil {
		return 0
	}
	return bytes.Count(out, []byte("\n"))
}

// packageNames collects the output of the go command's -v: the name of each
// package before its compilation, one a line, among messages of the compiler.
type packageNames struct {
	mu       sync.Mutex
	line     []byte
	compiled int
	last     string
}

func (n *packageNames) Write(text []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.line = append(n.line, text...)
	for {
		line, rest, whole := bytes.Cut(n.line, []byte("\n"))
		if !whole {
			return len(text), nil
		}
		n.line = rest
		if name := string(line); name != "" && !strings.ContainsAny(name, " \t:") {
			n.compiled++
			n.last = name
		}
	}
}

func (n *packageNames) state() (compiled int, last string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.compiled, n.last
}
