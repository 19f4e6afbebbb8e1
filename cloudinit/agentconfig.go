package cloudinit

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"time"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/host"
	"escala/service"
)

// AgentPath is the path of the agent's binary on the machine. AgentUnit is the
// systemd unit that runs it.
const (
	AgentPath = programsFolder + "escala-agent"
	AgentUnit = host.AgentUnit
)

// agentConfig returns the agent's view of the machine and the service.
func (m Machine) agentConfig() agent.Config {
	life := m.Spec.Lifecycle
	c := agent.Config{
		Name:       m.Spec.Name,
		User:       User,
		Workers:    m.Spec.Workers.Count,
		Mode:       m.Spec.Workers.Mode,
		HealthPath: m.Spec.HealthPath,
		ReadyPath:  m.Spec.ReadyPath,
		Start:      agent.Duration(life.Start),
		Steady:     agent.Duration(life.Steady),
		Stop:       agent.Duration(life.Stop),
		Idle:       agent.Duration(life.UpstreamIdle()),
		Poll:       agent.Duration(m.Poll),
		MemoryMiB:  m.Spec.Resources.MemoryMiB,
		Kept:       service.KeptReleases,
		Processes:  m.processes(),
		Schedules:  m.schedules(),
		Counted:    m.Spec.Bake.On(),
	}
	if c.Mode == service.WorkersPorts {
		c.PortsBase = m.Spec.Workers.PortsBase
	}
	if command := m.Spec.ReleaseCommand; command.Set() {
		c.ReleaseCommand, c.ReleaseTimeout = command.Command, agent.Duration(command.Timeout)
	}
	c.Metrics = m.scraped()
	c.Command, c.Packages = m.Spec.Command, len(m.Spec.Packages) > 0
	if m.anyProgram() {
		c.Runtime = m.Spec.Runtime
		c.Command = m.Spec.StartCommand(m.Spec.Name)
		c.Drain = agent.Duration(life.Drain)
	}
	return c
}

// agentFiles returns the agent's two files: its own configuration, and the
// environment of every worker. They are separate, so no variable of the service
// can replace a setting of the machine.
func (m Machine) agentFiles() ([]File, error) {
	config := host.Config{
		Config: m.agentConfig(), Store: m.Store.settings(), Units: m.watchedUnits(),
		Certificate: m.certificateSettings(), Operator: m.Operator,
	}
	if (config.Certificate != nil || len(config.Schedules) > 0 || m.Spec.ReleaseCommand.Set()) && config.Store.Folder != "" {
		config.Store.Shared = SharedFolder
	}
	if m.Notify != "" {
		config.Notify = &host.Notify{Stack: m.Notify}
	}
	if s3, ok := m.Store.(S3Store); ok {
		config.Metadata = s3.Metadata
	}
	if m.Secrets != nil {
		settings := m.Secrets.settings()
		config.Secrets = &settings
	}
	var files []File
	for _, f := range []struct {
		path    string
		content any
	}{{host.ConfigFile, config}, {host.EnvironmentFile, m.environment()}} {
		content, err := json.MarshalIndent(f.content, "", "  ")
		if err != nil {
			return nil, fmt.Errorf("writing %s: %w", f.path, err)
		}
		files = append(files, File{Path: f.path, Content: string(content) + "\n"})
	}
	return files, nil
}

// watchedUnits returns the units whose deaths the status reports.
func (m Machine) watchedUnits() []string { return append(m.packageUnits(), AgentUnit) }

// environment returns the variables that every worker gets.
func (m Machine) environment() map[string]string {
	// Nginx does not look at a worker's readiness, so announcing it would only
	// make each roll slower.
	spec := m.Spec
	spec.Lifecycle = spec.Lifecycle.WithoutAnnounce()
	env := spec.Environ()
	if m.anyProgram() {
		return env
	}
	env[service.EnvSupervised] = "supervisord"
	env[service.EnvWorkers] = strconv.Itoa(spec.Workers.Count)
	return env
}

// seconds formats d in whole seconds and rounds up, so that a limit ends later
// but never sooner.
func seconds(d time.Duration) string {
	return strconv.Itoa(int(math.Ceil(d.Seconds())))
}
