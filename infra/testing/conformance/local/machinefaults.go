package local

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"escala/infra/testing/conformance"
	"escala/service"
)

// killOften kills a unit's process again and again, each time as soon as it is
// back, and prints the time of each kill in nanoseconds. It gives up on a
// unit that stays down for half a minute.
var killOften = fmt.Sprintf(`n=0 waited=0
while [ "$n" -lt %d ]; do
	pid=$(systemctl show --property MainPID --value "$1")
	at=$(date +%%s%%N)
	if [ "$pid" != 0 ] && kill -KILL "$pid"; then echo "$at"; n=$((n+1)) waited=0; fi
	waited=$((waited+1))
	[ "$waited" -lt 600 ] || { echo "$1 stays down after $n kills" >&2; exit 1; }
	sleep 0.05
done`, conformance.QuickDeaths)

// fillInodes moves the releases and the agent's state to file systems that have
// space but no inodes for another release.
const (
	fillInodes = `set -eu
cd /opt/escala
mkdir -p .few
used=$(find releases | wc -l)
mount -t tmpfs -o size=1g,nr_inodes=$((used + 1)) none .few
cp -a releases/. .few/
mount --move .few releases`
	moreInodes = `mount -o remount,nr_inodes=100000 /opt/escala/releases`
)

// hang stops a unit's process. The kernel keeps its connections and pipes.
func (s *System) hang(ctx context.Context, unit string) (conformance.Injection, error) {
	machine, err := s.machine()
	if err != nil {
		return conformance.Injection{}, err
	}
	signal := func(ctx context.Context, name string) error {
		if _, err := s.pod.Exec(ctx, machine, "systemctl", "kill", "--kill-who=main", "--signal="+name, unit); err != nil {
			return fmt.Errorf("sending %s to %s: %w", name, unit, err)
		}
		return nil
	}
	if err := signal(ctx, "SIGSTOP"); err != nil {
		return conformance.Injection{}, err
	}
	return conformance.Injection{At: time.Now(), Heal: func(ctx context.Context) error { return signal(ctx, "SIGCONT") }}, nil
}

// holder is a program that takes port 80 of the machine and keeps it.
const holder = `import socket, time
taken = [socket.socket(socket.AF_INET), socket.socket(socket.AF_INET6)]
for s in taken:
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
taken[1].setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
for s, address in zip(taken, ("0.0.0.0", "::")):
    s.bind((address, 80))
    s.listen()
time.sleep(600)`

// takePort stops Nginx, runs holder and starts Nginx, which cannot listen. An
// upgrade of a package starts a service the same way.
func (s *System) takePort(ctx context.Context) (conformance.Injection, error) {
	machine, err := s.machine()
	if err != nil {
		return conformance.Injection{}, err
	}
	const unit = "conformance-port"
	at := time.Now()
	if _, err := s.pod.Exec(ctx, machine, "systemctl", "stop", "nginx"); err != nil {
		return conformance.Injection{}, fmt.Errorf("stopping Nginx: %w", err)
	}
	_, err = s.pod.Exec(ctx, machine, "systemd-run", "--quiet", "--collect", "--unit="+unit, "python3", "-c", holder)
	if err != nil {
		return conformance.Injection{}, fmt.Errorf("taking the port: %w", err)
	}
	// Without the wait for Python's start, Nginx could be first.
	listening := `for i in $(seq 200); do grep -q ":0050 .* 0A " /proc/net/tcp && exit 0; sleep 0.05; done; exit 1`
	if _, err := s.pod.Exec(ctx, machine, "sh", "-c", listening); err != nil {
		return conformance.Injection{}, fmt.Errorf("waiting for the port to be taken: %w", err)
	}
	if _, err := s.pod.Exec(ctx, machine, "systemctl", "start", "--no-block", "nginx"); err != nil {
		return conformance.Injection{}, fmt.Errorf("starting Nginx: %w", err)
	}
	return conformance.Injection{At: at, Heal: func(ctx context.Context) error {
		_, err := s.pod.Exec(ctx, machine, "systemctl", "stop", unit)
		return err
	}}, nil
}

// upgrade installs a package again, as unattended-upgrades does: with apt, which
// restarts the package's services.
func (s *System) upgrade(ctx context.Context, name string) (conformance.Injection, error) {
	machine, err := s.machine()
	if err != nil {
		return conformance.Injection{}, err
	}
	at := time.Now()
	_, err = s.pod.Exec(ctx, machine, "env", "DEBIAN_FRONTEND=noninteractive",
		"apt-get", "--quiet", "--yes", "-o", "DPkg::Lock::Timeout=60", "install", "--reinstall", name)
	if err != nil {
		return conformance.Injection{}, fmt.Errorf("installing %s again: %w", name, err)
	}
	return conformance.Injection{At: at}, nil
}

// otherPointer points the store at the last good release, without the stack.
func (s *System) otherPointer() (conformance.Injection, error) {
	store, err := s.store()
	if err != nil {
		return conformance.Injection{}, err
	}
	id := s.lastGood()
	info, err := os.Stat(filepath.Join(store, "releases", id))
	if err != nil {
		return conformance.Injection{}, fmt.Errorf("looking for the release before: %w", err)
	}
	mine, err := os.ReadFile(filepath.Join(store, service.PointerKey))
	if err != nil {
		return conformance.Injection{}, fmt.Errorf("reading the pointer: %w", err)
	}
	if err := writePointer(store, service.Release{ID: service.ReleaseID(id), Size: info.Size()}.Pointer()); err != nil {
		return conformance.Injection{}, err
	}
	return conformance.Injection{At: time.Now(), Heal: func(context.Context) error { return writePointer(store, string(mine)) }}, nil
}

// writePointer replaces the store's pointer atomically.
func writePointer(store, content string) error {
	pointer := filepath.Join(store, service.PointerKey)
	part := pointer + "." + strconv.Itoa(os.Getpid())
	if err := os.WriteFile(part, []byte(content), 0o644); err != nil {
		return fmt.Errorf("pointing to a release: %w", err)
	}
	if err := os.Rename(part, pointer); err != nil {
		return fmt.Errorf("pointing to a release: %w", err)
	}
	return nil
}
