package cloudinit

import (
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"escala/cloudinit/agent"
	"escala/cloudinit/agent/host"
	"escala/service"
	"escala/service/cron"
)

// unitFolder is the folder of the machine's own units.
const unitFolder = "/etc/systemd/system/"

// processes returns the agent's view of the processes beside the workers.
func (m Machine) processes() []agent.Process {
	var all []agent.Process
	for _, name := range slices.Sorted(maps.Keys(m.Spec.Processes)) {
		p := m.Spec.Processes[name]
		all = append(all, agent.Process{
			Name: name, Command: p.Command, Count: p.Count, Stop: agent.Duration(p.Stop), MemoryMiB: m.Spec.Memory(p.MemoryMiB),
		})
	}
	return all
}

// schedules returns the agent's view of the schedules.
func (m Machine) schedules() []agent.Schedule {
	var all []agent.Schedule
	for _, name := range slices.Sorted(maps.Keys(m.Spec.Schedule)) {
		s := m.Spec.Schedule[name]
		all = append(all, agent.Schedule{
			Name: name, Cron: s.Cron, Command: s.Command, MemoryMiB: m.Spec.Memory(s.MemoryMiB),
			Timeout: agent.Duration(s.Timeout), Stop: agent.Duration(m.Spec.Lifecycle.Stop),
		})
	}
	return all
}

// taskUnits returns the units of processes and schedules. The agent starts them:
// the processes with each release, the timers once a release serves.
func (m Machine) taskUnits() []File {
	var files []File
	unit := func(name, content string) {
		files = append(files, File{Path: path.Join(unitFolder, name), Content: content})
	}
	for _, p := range m.processes() {
		unit(host.ProcessUnit(p.Name, ""), `[Unit]
Description=Process `+p.Name+` of the service, number %i
StartLimitIntervalSec=0

[Service]
Type=exec
ExecStart=`+AgentPath+` process `+p.Name+` %i
Restart=always
RestartSec=2
`+m.limits(p.Name+"-%i", p.MemoryMiB, p.Stop))
	}
	for _, s := range m.schedules() {
		overlap := m.Spec.Schedule[s.Name].Overlap
		started := host.ScheduleUnit(s.Name)
		unit(started, `[Unit]
Description=A run of schedule `+s.Name+`

[Service]
Type=exec
ExecStart=`+AgentPath+` schedule `+s.Name+`
ExecStopPost=`+AgentPath+` schedule-ended `+s.Name+`
RuntimeMaxSec=`+strconv.Itoa(service.Seconds(m.Spec.Schedule[s.Name].Timeout))+`
`+m.limits(s.Name, s.MemoryMiB, s.Stop))
		if overlap == service.OverlapReplace {
			started = host.ScheduleDue(s.Name)
			unit(started, `[Unit]
Description=Ends the run of schedule `+s.Name+` and starts the next one

[Service]
Type=oneshot
ExecStart=/bin/systemctl restart --no-block `+host.ScheduleUnit(s.Name)+`
`)
		}
		unit(host.ScheduleTimer(s.Name), `[Unit]
Description=The times of schedule `+s.Name+`

[Timer]
`+calendar(s.Cron)+`AccuracySec=1s
# A run that was due while the machine was off: the agent decides about it.
Persistent=true
Unit=`+started+`
`)
	}
	return files
}

// limits returns the end of a unit's section Service.
func (m Machine) limits(identifier string, memoryMiB int, stop agent.Duration) string {
	return `SyslogIdentifier=` + identifier + `
KillMode=mixed
TimeoutStopSec=` + seconds(stop.Duration()) + `
MemoryMax=` + strconv.Itoa(memoryMiB) + `M
LimitNOFILE=` + strconv.Itoa(m.Spec.Limits.OpenFiles()) + `
`
}

// calendar returns the times of a schedule, which Spec.Validate has read.
func calendar(text string) string {
	times, err := cron.Parse(text)
	if err != nil {
		return ""
	}
	var b strings.Builder
	for _, one := range times.Calendar() {
		b.WriteString("OnCalendar=" + one + "\n")
	}
	return b.String()
}
