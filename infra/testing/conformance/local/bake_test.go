package local_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/testing/conformance/local"
	"escala/infra/testing/loadgen"
)

// underLoad is a program that fails only under load: below 20 requests in a second
// all is well. fails is the part of the further requests that it answers with 500, in
// thousandths. dies is the number of requests after which it ends.
const underLoad = `package main

import (
	"fmt"
	"log"
	"net/http"
	"os"
	"sync"
	"time"
)

const name, fails, dies = %q, %d, %d

var (
	mu     sync.Mutex
	second int64
	n, all int
)

func main() {
	http.HandleFunc("/health", func(http.ResponseWriter, *http.Request) {})
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if now := time.Now().Unix(); now != second {
			second, n = now, 0
		}
		n++
		if n <= 20 {
			fmt.Fprintln(w, name)
			return
		}
		if all++; dies > 0 && all >= dies {
			log.Print("the connection pool is used up")
			os.Exit(3)
		}
		if all*fails/1000 > (all-1)*fails/1000 {
			log.Print("the connection pool is used up")
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, name)
	})
	log.Fatal(http.ListenAndServe(os.Getenv("HOST")+":"+os.Getenv("PORT"), nil))
}
`

// TestBake checks on a real machine that a release that fails only under load is
// rolled back, and that no other release is.
func TestBake(t *testing.T) {
	if os.Getenv("ESCALA_TEST") != "all" {
		t.Skip("takes three minutes on a machine; ESCALA_TEST=all runs it, and the weekly suite")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	clone := cloneWith(ctx, t, "nethttp")
	change := func(name string, fails, dies int) {
		t.Helper()
		require.NoError(t, os.WriteFile(filepath.Join(clone.Root, "example", "main.go"), fmt.Appendf(nil, underLoad, name, fails, dies), 0o600))
	}
	const bake = 20 * time.Second
	release := map[string]any{"bake": bake.String()}
	stack := local.NewStack(clone, map[string]any{
		"target": "local", "local": map[string]any{"port": freePort(t)},
		"service": map[string]any{"name": "nethttp", "runtime": "none", "source": "example", "package": ".", "release": release},
	})
	defer func() { assert.NoError(t, stack.Destroy(context.WithoutCancel(ctx))) }()
	change("first", 0, 0)
	first, err := stack.Up(ctx)
	require.NoError(t, err)
	url := first.Outputs["health"] // which always reports healthy
	machine := onlyMachine(t, clone)

	mix := loadgen.NewMix()
	mix.Rate, mix.PostShare, mix.SlowRate = 4*exampleRate, 0, 0
	options := loadgen.NewOptions(first.Outputs["url"])
	options.Streams = mix.Streams()
	loading, stopLoad := context.WithCancel(ctx)
	defer stopLoad()
	generator, err := loadgen.Start(loading, options)
	require.NoError(t, err)
	time.Sleep(bake)

	// counted returns the load's failures since a mark. failed is the number of
	// answers with status 500, lost the number of all other failures.
	counted := func(t *testing.T, mark loadgen.Snapshot) (lost, failed uint64) {
		t.Helper()
		time.Sleep(time.Second)
		got := generator.Snapshot().Since(mark)
		t.Logf("%d requests, %d failed: %v", got.OK+got.Failed, got.Failed, got.Status)
		if overload := loadgen.Overload(got.Lag); overload != "" && got.Failed+got.Unsent > 0 {
			t.Skip(overload)
		}
		failed = got.Status[500]
		assert.Positive(t, got.OK)
		return got.Failed + got.Unsent - failed, failed
	}

	step(t, "a good release passes", func(t *testing.T) {
		mark := generator.Mark("good")
		change("good", 0, 0)
		began := time.Now()
		u, err := stack.Up(ctx)
		require.NoError(t, err)
		took := time.Since(began)
		t.Logf("took %s", took.Round(100*time.Millisecond))
		assert.Greater(t, took, bake)
		assert.Equal(t, u.Outputs["release"], serving(t, url))
		lost, failed := counted(t, mark)
		assert.Zero(t, lost)
		assert.Zero(t, failed)
		first = u
	})

	step(t, "one that fails 5 % under load is taken back", func(t *testing.T) {
		mark := generator.Mark("fails")
		change("fails", 50, 0)
		began := time.Now()
		_, err := stack.Up(ctx)
		require.Error(t, err)
		t.Logf("took %s: %s", time.Since(began).Round(100*time.Millisecond), err)
		require.ErrorContains(t, err, "is taken back: ")
		require.ErrorContains(t, err, "of its answers in")
		require.ErrorContains(t, err, "the limit is 1%, and of those before it were 0%")
		require.ErrorContains(t, err, "which served before, still does, on 2 of 2 workers")
		require.ErrorContains(t, err, "the connection pool is used up")
		assert.Equal(t, first.Outputs["release"], serving(t, url))
		lost, failed := counted(t, mark)
		assert.Zero(t, lost, "nothing but its own answers")
		assert.Positive(t, failed)
	})

	step(t, "one whose workers end under load is taken back", func(t *testing.T) {
		change("ends", 0, 1000)
		began := time.Now()
		_, err := stack.Up(ctx)
		require.Error(t, err)
		t.Logf("took %s: %s", time.Since(began).Round(100*time.Millisecond), err)
		require.ErrorContains(t, err, "is taken back: ")
		assert.Equal(t, first.Outputs["release"], serving(t, url))
	})

	step(t, "one that may fail as much passes, on the same machine", func(t *testing.T) {
		release["bakeErrors"] = "20%"
		change("may fail", 50, 0)
		u, err := stack.Up(ctx)
		require.NoError(t, err)
		assert.Equal(t, machine, onlyMachine(t, clone), "another share is no other machine")
		assert.Equal(t, u.Outputs["release"], serving(t, url))
	})

	step(t, "one that fails as much as the one before passes", func(t *testing.T) {
		time.Sleep(bake)
		release["bakeErrors"] = "1%"
		change("fails as before", 50, 0)
		u, err := stack.Up(ctx)
		require.NoError(t, err)
		assert.Equal(t, u.Outputs["release"], serving(t, url))
	})

	step(t, "a rollback is not watched", func(t *testing.T) {
		mark := generator.Mark("rollback")
		stack.Config["release"] = first.Outputs["release"]
		began := time.Now()
		_, err := stack.Up(ctx)
		require.NoError(t, err)
		t.Logf("took %s", time.Since(began).Round(100*time.Millisecond))
		assert.Equal(t, first.Outputs["release"], serving(t, url))
		lost, _ := counted(t, mark)
		assert.Zero(t, lost)
	})
}
