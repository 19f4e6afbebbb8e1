package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"escala/infra/testing/conformance"
	"escala/service"
)

// Each command kills one process of the machine and prints the time just before
// in nanoseconds.
const (
	killPID = `pid=$(cat "$1")` + killNow
	// pgrep matches the whole command line, so that this shell does not match.
	killWorker   = `pid=$(pgrep -x -f '/opt/escala/current/api serve' | sed -n "$1p")` + killNow
	killRedis    = `pid=$(pidof redis-server)` + killNow
	killFollower = `pid=$(systemctl show --property MainPID --value escala-agent)` + killNow
	killNow      = ` && at=$(date +%s%N) && kill -KILL "$pid" && echo "$at"`
)

func (s *System) Inject(ctx context.Context, fault conformance.Fault) (conformance.Injection, error) {
	switch fault {
	case conformance.KillWorker:
		s.killed = s.killed%workers + 1
		return s.kill(ctx, killWorker, strconv.Itoa(s.killed))
	case conformance.KillSupervisor:
		return s.kill(ctx, killPID, "/run/supervisord.pid")
	case conformance.KillProxy:
		return s.kill(ctx, killPID, "/run/nginx.pid")
	case conformance.KillRedis:
		return s.kill(ctx, killRedis)
	case conformance.KillFollower:
		return s.kill(ctx, killFollower)
	case conformance.Reboot:
		machine, err := s.machine()
		if err != nil {
			return conformance.Injection{}, err
		}
		at := time.Now()
		return conformance.Injection{At: at}, s.pod.Restart(ctx, machine, time.Minute)
	case conformance.FillDisk:
		return s.mount(ctx, fill, makeRoom)
	case conformance.HideStore:
		return s.hideStore()
	case conformance.KillProxyOften:
		return s.kill(ctx, killOften, "nginx")
	case conformance.KillSupervisorOften:
		return s.kill(ctx, killOften, "supervisor")
	case conformance.KillRedisOften:
		return s.kill(ctx, killOften, "redis-server")
	case conformance.KillFollowerOften:
		return s.kill(ctx, killOften, "escala-agent")
	case conformance.HangRedis:
		return s.hang(ctx, "redis-server")
	case conformance.HangLogReader:
		return s.hang(ctx, "supervisor")
	case conformance.TakePort:
		return s.takePort(ctx)
	case conformance.FillInodes:
		return s.mount(ctx, fillInodes, moreInodes)
	case conformance.UpgradeSupervisor:
		return s.upgrade(ctx, "supervisor")
	case conformance.OtherPointer:
		return s.otherPointer()
	}
	return conformance.Injection{}, conformance.NotApplicable("a machine knows no %s", fault)
}

// kill runs one of the commands above.
func (s *System) kill(ctx context.Context, command string, args ...string) (conformance.Injection, error) {
	machine, err := s.machine()
	if err != nil {
		return conformance.Injection{}, err
	}
	out, err := s.pod.Exec(ctx, machine, append([]string{"sh", "-c", command, "sh"}, args...)...)
	if err != nil {
		return conformance.Injection{}, fmt.Errorf("killing a process of the machine: %w", err)
	}
	var kills []time.Time
	for _, line := range strings.Fields(out) {
		ns, err := strconv.ParseInt(line, 10, 64)
		if err != nil {
			return conformance.Injection{}, fmt.Errorf("reading when it was killed: %w", err)
		}
		// The machine is a container, so it shares this computer's clock.
		kills = append(kills, time.Unix(0, ns))
	}
	if len(kills) == 0 {
		return conformance.Injection{}, errors.New("killing a process of the machine: it does not say when")
	}
	return conformance.Injection{At: kills[len(kills)-1], Kills: kills}, nil
}

// A container's disk is its host's disk, which the check must not fill. So the
// releases move to an in-memory file system of their own. It has space for
// them, but too little for another release.
const (
	fill = `set -eu
cd /opt/escala
mkdir -p .small
used=$(du -sk releases | cut -f1)
mount -t tmpfs -o size=$((used + 8192))k none .small
cp -a releases/. .small/
mount --move .small releases`
	makeRoom = `mount -o remount,size=1g /opt/escala/releases`
)

// mount runs a script that mounts file systems on the machine, and another one
// when the fault is healed.
func (s *System) mount(ctx context.Context, script, heal string) (conformance.Injection, error) {
	machine, err := s.machine()
	if err != nil {
		return conformance.Injection{}, err
	}
	status, err := s.pod.Inspect(ctx, machine)
	if err != nil {
		return conformance.Injection{}, err
	}
	// The machine itself may not mount file systems; this computer's root does
	// it instead.
	inside := func(ctx context.Context, script string) error {
		out, err := exec.CommandContext(ctx, "nsenter", "--target", strconv.Itoa(status.PID), "--mount", "sh", "-c", script).CombinedOutput()
		if err != nil {
			return fmt.Errorf("mounting on the machine: %w: %s", err, out)
		}
		return nil
	}
	if err := inside(ctx, script); err != nil {
		return conformance.Injection{}, err
	}
	return conformance.Injection{Heal: func(ctx context.Context) error { return inside(ctx, heal) }}, nil
}

// hideStore moves the content of the machine's release store into a hidden folder
// of the store. The machine has the store mounted, so the store itself stays.
func (s *System) hideStore() (conformance.Injection, error) {
	store, err := s.store()
	if err != nil {
		return conformance.Injection{}, err
	}
	hidden := filepath.Join(store, ".away")
	if err := os.Mkdir(hidden, 0o700); err != nil {
		return conformance.Injection{}, fmt.Errorf("hiding the release store: %w", err)
	}
	parts := []string{service.PointerKey, "releases"}
	move := func(from, to string) error {
		var err error
		for _, part := range parts {
			err = errors.Join(err, os.Rename(filepath.Join(from, part), filepath.Join(to, part)))
		}
		return err
	}
	if err := move(store, hidden); err != nil {
		return conformance.Injection{}, fmt.Errorf("hiding the release store: %w", err)
	}
	return conformance.Injection{Heal: func(context.Context) error {
		return errors.Join(move(hidden, store), os.Remove(hidden))
	}}, nil
}
