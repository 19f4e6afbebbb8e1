package local_test

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"escala/infra/targets/local/podman"
	"escala/infra/targets/local/provider"
	"escala/infra/testing/conformance/local"
)

// migration is a release command that counts its runs in a database.
const migration = `import os, pathlib, sqlite3, sys, time
db = sqlite3.connect("/var/tmp/service.db")
db.execute("create table if not exists runs (greeting text)")
db.execute("insert into runs values (?)", [(pathlib.Path(__file__).parent / "greeting.txt").read_text()])
db.commit()
print("cgroup", pathlib.Path("/proc/self/cgroup").read_text().strip())
time.sleep(float(os.environ["MIGRATION_SECONDS"]))
if os.path.exists("/var/tmp/locked"):
    sys.exit("the table users is locked")
if os.path.exists("/var/tmp/hungry"):
    hungry = b"x" * (1 << 30)
`

// TestReleaseCommand checks the releases of a service with a migration on a real
// machine.
func TestReleaseCommand(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("boots a machine; -short leaves that out")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Minute)
	defer cancel()
	clone := cloneWith(ctx, t, "python")
	app := filepath.Join(clone.Root, "example", "app")
	require.NoError(t, os.WriteFile(filepath.Join(app, "migrate.py"), []byte(migration), 0o600))
	stack := local.NewStack(clone, map[string]any{
		"target": "local", "local": map[string]any{"port": freePort(t)},
		"service": map[string]any{
			"name": "python", "runtime": "none", "folder": "example/app", "command": []any{"python3", "app.py"},
			"env":     map[string]any{"MIGRATION_SECONDS": "3"},
			"release": map[string]any{"command": []any{"python3", "migrate.py"}, "timeout": "1m"},
		},
	})
	defer func() { assert.NoError(t, stack.Destroy(context.WithoutCancel(ctx))) }()
	pod := podman.Podman{Folder: provider.PodmanFolder(filepath.Join(clone.Root, ".escala"))}
	on := func(command ...string) string {
		said, err := pod.Exec(ctx, onlyMachine(t, clone), command...)
		require.NoError(t, err, "%s", said)
		return strings.TrimSpace(said)
	}
	runs := func() string {
		return on("python3", "-c", `import sqlite3; print(sqlite3.connect("/var/tmp/service.db").execute("select count(*) from runs").fetchone()[0])`)
	}
	change := func(greeting string) {
		require.NoError(t, os.WriteFile(filepath.Join(app, "greeting.txt"), []byte(greeting), 0o600))
	}
	took := func(what string, began time.Time) {
		t.Logf("%s took %s", what, time.Since(began).Round(100*time.Millisecond))
	}

	began := time.Now()
	first, err := stack.Up(ctx)
	require.NoError(t, err)
	took("the first release", began)
	url := first.Outputs["url"]
	assert.Equal(t, first.Outputs["release"], serving(t, url+"/"))
	assert.Equal(t, "1", runs())
	assert.Equal(t, "escala", on("stat", "--format", "%U", "/var/tmp/service.db"), "the command runs as the service's user")
	_, err = stack.Up(ctx)
	require.NoError(t, err)
	assert.Equal(t, "1", runs(), "an update without a change runs none")

	on("touch", "/var/tmp/locked")
	change("second")
	began = time.Now()
	_, err = stack.Up(ctx)
	require.Error(t, err)
	took("a release that fails its migration", began)
	t.Log(err)
	require.ErrorContains(t, err, "its release command ends with status 1; the next update runs it again")
	require.ErrorContains(t, err, "the table users is locked")
	require.ErrorContains(t, err, ".scope", "it has a cgroup of its own")
	assert.Equal(t, first.Outputs["release"], serving(t, url+"/"), "what served still serves")
	assert.Equal(t, "2", runs())
	time.Sleep(40 * time.Second) // a failed preflight would be repeated in this time
	assert.Equal(t, "2", runs(), "it is not run again by itself")
	_, err = stack.Up(ctx)
	require.ErrorContains(t, err, "its release command ends with status 1")
	assert.Equal(t, "3", runs(), "another update runs it again")

	on("rm", "/var/tmp/locked")
	ran := 3
	// With cgroups v1, a container cannot set memory limits.
	if strings.Contains(on("sh", "-c", "cat /sys/fs/cgroup/cgroup.controllers || true"), "memory") {
		on("touch", "/var/tmp/hungry")
		_, err = stack.Up(ctx)
		require.ErrorContains(t, err, "its release command used more than 256 MiB of memory and was killed")
		on("rm", "/var/tmp/hungry")
		ran++
	}

	t.Log("the agent dies in the middle")
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil && !strings.Contains(on("sh", "-c", "pgrep -f migrate.py || true"), "\n") {
			time.Sleep(100 * time.Millisecond)
		}
		on("systemctl", "kill", "--kill-who=main", "--signal=KILL", "escala-agent")
	}()
	began = time.Now()
	second, err := stack.Up(ctx)
	require.NoError(t, err)
	<-done
	took("the release after its migration is mended", began)
	assert.Equal(t, second.Outputs["release"], serving(t, url+"/"))
	ran++
	assert.Equal(t, strconv.Itoa(ran), runs())

	on("touch", "/var/tmp/locked")
	stack.Config["release"] = first.Outputs["release"]
	began = time.Now()
	back, err := stack.Up(ctx)
	require.NoError(t, err)
	took("a rollback", began)
	assert.Equal(t, first.Outputs["release"], serving(t, back.Outputs["url"]+"/"))
	delete(stack.Config, "release")
	_, err = stack.Up(ctx)
	require.NoError(t, err)
	assert.Equal(t, second.Outputs["release"], serving(t, url+"/"))
	assert.Equal(t, strconv.Itoa(ran), runs(), "neither way runs the command")
}
