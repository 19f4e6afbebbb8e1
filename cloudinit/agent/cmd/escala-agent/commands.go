package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/host"
)

func run(ctx context.Context, root host.Root, args []string) error {
	command := ""
	if len(args) > 0 {
		command = args[0]
	}
	switch {
	case command == "run" && len(args) == 1:
		return follow(ctx, root)
	case command == "once" && len(args) == 1:
		return once(ctx, root)
	case command == "worker" && len(args) == 2:
		return worker(root, args[1])
	case command == "command" && len(args) == 1:
		// The agent that reads what this process writes may have ended.
		signal.Ignore(syscall.SIGPIPE)
		return root.RunCommand(ctx, os.Stdout)
	case command == "stop-supervisor" && len(args) == 1:
		return stopSupervisor(ctx, root)
	case command == "self-signed" && len(args) == 1:
		return root.SelfSigned()
	case command == "session-manager" && len(args) == 2:
		return root.InstallSessionManager(ctx, args[1])
	case command == "process" && len(args) == 3:
		return process(root, args[1], args[2])
	case command == "schedule" && len(args) == 2:
		return root.RunSchedule(ctx, args[1])
	case command == "schedule-ended" && len(args) == 2:
		return root.EndSchedule(args[1], os.Getenv)
	case command == "task" && len(args) == 2:
		return root.RunNow(ctx, args[1])
	case command == "run-task" && len(args) == 2:
		return root.RunTask(args[1])
	case command == "status" && len(args) == 1:
		return status(root)
	case command == "diagnose" && len(args) == 1:
		return diagnose(ctx, root)
	}
	return errors.New(usage)
}

func follow(ctx context.Context, root host.Root) error {
	a, err := root.Agent()
	if err != nil {
		return err
	}
	// The agent has little to do at a time. On one processor, Go wakes no thread to
	// look for work.
	runtime.GOMAXPROCS(1)
	wake := make(chan struct{}, 1)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGUSR1)
	defer signal.Stop(signals)
	go func() {
		for range signals {
			select {
			case wake <- struct{}{}:
			default:
			}
		}
	}()
	a.Run(ctx, wake)
	return nil
}

func once(ctx context.Context, root host.Root) error {
	a, err := root.Agent()
	if err != nil {
		return err
	}
	a.Round(ctx)
	return nil
}

func worker(root host.Root, number string) error {
	config, err := root.Config()
	if err != nil {
		return err
	}
	slot, err := strconv.Atoi(number)
	if err != nil || slot < 0 || slot >= config.Slots() {
		return fmt.Errorf("%q is not a slot from 0 to %d", number, config.Slots()-1)
	}
	return root.RunWorker(config.Config, slot)
}

func process(root host.Root, name, number string) error {
	config, err := root.Config()
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(number)
	if err != nil {
		return fmt.Errorf("%q is not a process's number", number)
	}
	return root.RunProcess(config.Config, agent.Instance{Name: name, Number: n})
}

func stopSupervisor(ctx context.Context, root host.Root) error {
	config, err := root.Config()
	if err != nil {
		return err
	}
	return root.StopSupervisor(ctx, config.Config)
}

func status(root host.Root) error {
	f, err := os.Open(string(root) + agent.StatusFile)
	if err != nil {
		return fmt.Errorf("reading the machine's status: %w", err)
	}
	defer f.Close()
	_, err = io.Copy(os.Stdout, f)
	return err
}

func diagnose(ctx context.Context, root host.Root) error {
	units := []string{"supervisor", "nginx", host.AgentUnit}
	if config, err := root.Config(); err == nil {
		units = config.Units
	}
	host.Diagnosis{Root: root, SetUp: host.SetUpFile, SetupUnit: host.SetupUnit, Units: units}.Write(ctx, os.Stdout)
	return nil
}
