package host

import (
	"log/slog"
	"time"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/report"
	"escala/cloudinit/agent/sigv4"
	"escala/cloudinit/agent/store"
)

// ReportFolder holds the record of what was reported.
const ReportFolder = "/var/lib/escala/report"

// The longest times between two writes of the details. A write to a folder is
// free; one to a bucket is a request that is paid for, some 9,000 a month.
const (
	reportToFolder = 10 * time.Second
	reportToBucket = 5 * time.Minute
)

// reporter returns the reporter of this machine.
func (r Root) reporter(config Config, id string, releases store.Store, role sigv4.Credentials, log *slog.Logger) *report.Reporter {
	every := reportToBucket
	if config.Store.Folder != "" {
		every = reportToFolder
	}
	details := &Details{
		Root: r, Config: config.Config, MachineID: id,
		Supervisor: &Supervisord{Root: r, Program: config.Name, Count: config.Slots()},
	}
	var hook report.Webhook
	if config.Notify != nil {
		hook = &notifier{stack: config.Notify.Stack, machine: id, secrets: ownSecrets{settings: config.Secrets, role: role}}
	}
	return report.New(report.Reporter{
		Webhook: hook, Silent: silentFor(config.Config),
		Store: releases, Disk: privateFolder(r.path(ReportFolder)), Details: details.Now, Every: every,
		Now: time.Now, Log: log, Boot: bootID(),
	})
}

// silentFor returns a time within which a healthy agent publishes a status. A step
// of a roll ends one process and starts another.
func silentFor(c agent.Config) time.Duration {
	step := c.Start + c.Steady + c.Stop + c.Drain
	for _, p := range c.Processes {
		step = max(step, p.Stop+c.Start+c.Steady)
	}
	return 10*time.Minute + 2*time.Duration(step)
}
