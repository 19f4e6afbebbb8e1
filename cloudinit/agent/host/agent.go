package host

import (
	"cmp"
	"log/slog"
	"os"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/instance"
	"escala/cloudinit/agent/sigv4"
	"escala/cloudinit/agent/store"
	"escala/service"
)

// Agent returns the agent of this machine. A lock excludes a second agent until
// the process ends.
func (r Root) Agent() (*agent.Agent, error) {
	config, err := r.Config()
	if err != nil {
		return nil, err
	}
	if err := r.Lock(); err != nil {
		return nil, err
	}
	id := r.MachineID()
	key, err := r.StoreKey()
	if err != nil {
		return nil, err
	}
	ec2 := instance.NewEC2(config.Metadata)
	role := instance.NewRole(ec2)
	// A machine without an id from its cloud cannot write to the store, but it
	// can read.
	access := store.Access{Role: role, Key: sigv4.Key(key)}
	releases, err := config.Store.Open(cmp.Or(id, "unknown"), access)
	if err != nil {
		return nil, err
	}
	var ofService agent.Secrets
	if config.Secrets != nil {
		if config.Secrets.File != "" {
			config.Secrets.File = r.path(config.Secrets.File)
		}
		source, err := config.Secrets.Open(role)
		if err != nil {
			return nil, err
		}
		ofService = Secrets{Root: r, User: config.User, Source: source}
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	var keeper agent.Certificates
	if config.Certificate != nil {
		if keeper, err = r.keeper(config, access, role, log); err != nil {
			return nil, err
		}
	}
	var shared agent.Shared
	var commands agent.Commands
	if len(config.ReleaseCommand) > 0 {
		if shared, err = config.Store.OpenShared(access); err != nil {
			return nil, err
		}
		commands = Commands{Root: r, Config: config.Config}
	}
	var proxy agent.Proxy
	if config.Runtime == service.RuntimeNone {
		proxy = Upstreams{Root: r, PortsBase: config.PortsBase}
	}
	reporter := r.reporter(config, id, releases, role, log)
	maintenance := maintenance(r)
	incidents := &Incidents{Root: r, Units: config.Units, SetUp: SetUpFile}
	var processes agent.Processes
	if len(config.Processes) > 0 {
		processes = Processes{Root: r, Config: config.Config}
	}
	var schedules agent.Schedules
	if len(config.Schedules) > 0 {
		var names []string
		for _, s := range config.Schedules {
			names = append(names, s.Name)
		}
		schedules = Schedules{names}
	}
	var traffic agent.Traffic
	if config.Counted {
		traffic = &Traffic{Root: r, Config: config.Config}
	}
	a := &agent.Agent{
		Config:       config.Config,
		Store:        releases,
		Disk:         Disk(r),
		Supervisor:   &Supervisord{Root: r, Program: config.Name, Count: config.Slots(), Noted: proxy != nil},
		Workers:      Workers{Root: r, Config: config.Config},
		Clock:        NewClock(),
		Log:          log,
		MachineID:    id,
		Secrets:      ofService,
		Certificates: keeper,
		Shared:       shared,
		Commands:     commands,
		Proxy:        proxy,
		Processes:    processes,
		Schedules:    schedules,
		Traffic:      traffic,
		Boot:         bootID(),
		Incident:     incidents.Last,
		Reporter:     reporter,
		Maintenance:  maintenance.On,
	}
	if config.Store.S3 != nil {
		// The machine is an EC2 instance.
		a.Address = ec2.PublicIPv4
	}
	if config.Metrics {
		a.Metrics = Metrics{Root: r, Config: config.Config, Log: log}
	}
	if config.Operator != "" {
		a.Requests = r.listener(config, a, releases, maintenance)
	}
	return a, nil
}
