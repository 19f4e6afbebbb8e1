package build

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Progress is how far a compilation is.
type Progress struct {
	// Package is the program that is compiled, and Platform what for.
	Package  string
	Platform Platform
	// Compiled counts the packages that were compiled so far, and Last is the last
	// one. Total counts all that the program consists of, 0 if that is not known.
	// Packages that were compiled earlier are not compiled again.
	Compiled, Total int
	Last            string
	Elapsed         time.Duration
}

// String is a line for people.
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

// progressEvery is the time between two reports; also the time that a compilation
// takes before there is one.
const progressEvery = 4 * time.Second

type progressKey struct{}

// WithProgress returns a context whose compilations are reported every few seconds
// to a function, which may be called by several goroutines at once.
func WithProgress(ctx context.Context, report func(Progress)) context.Context {
	return context.WithValue(ctx, progressKey{}, report)
}

// reportProgress reports a compilation until the returned function is called. The
// go command writes the names of packages to the writer.
func reportProgress(ctx context.Context, root, pkg string, platform Platform) (names *packageNames, stop func()) {
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
				total = countPackages(ctx, root, pkg, platform)
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

// countPackages is how many packages a program consists of, 0 if that is not known.
func countPackages(ctx context.Context, root, pkg string, platform Platform) int {
	cmd := exec.CommandContext(ctx, "go", "list", "-deps", "-tags", tags, pkg)
	cmd.Dir, cmd.Env = root, environment(platform)
	out, err := cmd.Output()
	if err != nil {
		return 0
	}
	return bytes.Count(out, []byte("\n"))
}

// packageNames gathers what the go command writes with -v: a package's name before
// it is compiled, a line each, among messages of the compiler.
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
