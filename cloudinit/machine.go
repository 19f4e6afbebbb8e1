// Package cloudinit turns the description of a service into the user-data of a
// Debian 12 machine: packages, supervisor, Nginx, the agent. It is
// pure: no Pulumi, no cloud, no network, and the same input gives the same
// bytes, because a change of user-data means a new machine.
//
// User-data describes the machine and not the release: releases come from a
// release store that the machine follows.
package cloudinit

import (
	"errors"
	"fmt"
	"time"

	"escala/service"
)

// Machine is one Debian 12 machine that runs the service.
type Machine struct {
	Spec service.Spec
	// Store is where releases come from. Default FolderStore.
	Store Store
	// Agent is the SHA-256 of the agent's binary, which the store has under
	// AgentKey.
	Agent service.ReleaseID
	// Operator verifies the operator's requests (request.Key.Public). Default "": the
	// machine answers none.
	Operator string
	// Secrets is the source of the values of Spec.Secrets, and of the secrets for
	// HTTPS. Default nil, for a service without both.
	Secrets Secrets
	// Notify is the project and the stack ("escala/aws-ec2") in the events that the
	// machine sends to the webhook, whose URL is in Secrets. Default "": it sends none.
	Notify string
	// TLS holds the settings of HTTPS beside Spec.TLS. It is not used if Spec.HTTPS
	// is false.
	TLS TLS
	// MetadataOnlyRoot lists the addresses of the cloud's metadata service.
	// Only root can reach them. Default none.
	MetadataOnlyRoot []string
	// MetadataRefused lists the accounts that cannot reach the metadata
	// service. It is for clouds whose own agent runs under its own account and
	// needs the service. The accounts exist before the machine's first boot
	// ends. Default: every account but root.
	MetadataRefused []string
	// SessionManager gives access through AWS Session Manager. Default nil.
	SessionManager *SessionManager
	// Poll is the time between two of the agent's checks of the store. Default
	// 5 s.
	Poll time.Duration
	// OpenFiles is the limit on open files of each process, for a machine that
	// cannot raise it. Nginx and the workers take fewer connections then. Default 0,
	// for a machine that can.
	OpenFiles int
	// Upgrades installs Debian's unattended security upgrades once the
	// service is set up. Default true.
	Upgrades bool
	// Root is put before every path, so that tests can run a machine's files
	// from a folder. Empty on machines.
	Root string
}

// NewMachine returns a machine for spec with all defaults.
func NewMachine(spec service.Spec) Machine {
	return Machine{Spec: spec, Store: FolderStore{}, Poll: 5 * time.Second, Upgrades: true}
}

// User is the account of the workers. It differs from the service's name, so a
// service's name cannot collide with one of Debian's own accounts.
const User = "escala"

// validate reports all values that cannot be rendered, at once.
func (m Machine) validate() error {
	var v service.Violations
	if err := m.Spec.Validate(); err != nil && !errors.As(err, &v) {
		return err
	}
	if m.Poll < time.Second {
		v.Add("poll", "%s is below 1s", m.Poll)
	}
	if m.OpenFiles != 0 && m.OpenFiles < 2*openFiles {
		v.Add("openFiles", "%d is below %d", m.OpenFiles, 2*openFiles)
	}
	if !m.Agent.Valid() {
		v.Add("agent", "%q is not a SHA-256", m.Agent)
	}
	if stop := m.Spec.Lifecycle.Stop; stop%time.Second != 0 {
		v.Add("lifecycle.stop", "%s is not a whole number of seconds, which is what supervisord counts in", stop)
	}
	if len(m.Spec.Secrets) > 0 && m.Secrets == nil {
		v.Add("secrets", "this machine has no secret store")
	}
	if m.Notify != "" && m.Secrets == nil {
		v.Add("notify", "this machine has no secret store for the webhook's URL")
	}
	m.checkTLS(&v)
	m.Spec.CheckMachineMetrics(&v)
	return v.Err()
}

// files returns all files of the machine, in the order in which they are
// written.
func (m Machine) files() ([]File, error) {
	nginx, err := m.nginx()
	if err != nil {
		return nil, fmt.Errorf("rendering nginx.conf: %w", err)
	}
	supervisor, err := m.supervisor()
	if err != nil {
		return nil, fmt.Errorf("rendering supervisord.conf: %w", err)
	}
	settings, err := m.setupSettings()
	if err != nil {
		return nil, err
	}
	agent, err := m.agentFiles()
	if err != nil {
		return nil, fmt.Errorf("rendering the agent's configuration: %w", err)
	}
	store, err := m.Store.files()
	if err != nil {
		return nil, fmt.Errorf("rendering the release store: %w", err)
	}
	secrets, err := m.secretsFiles()
	if err != nil {
		return nil, fmt.Errorf("rendering the secrets: %w", err)
	}
	metadata, err := m.metadataFiles()
	if err != nil {
		return nil, err
	}
	files := []File{
		settings,
		{Path: "/etc/nginx/nginx.conf", Content: nginx},
		{Path: "/etc/supervisor/supervisord.conf", Content: supervisor},
	}
	files = append(files, agent...)
	files = append(files, m.units()...)
	files = append(files, m.programs()...)
	files = append(files, m.tlsFiles()...)
	files = append(files, m.upstreamsFiles()...)
	files = append(files, m.answersFiles()...)
	files = append(files, store...)
	files = append(files, secrets...)
	files = append(files, metadata...)
	for i := range files {
		files[i].Path = m.Root + files[i].Path
	}
	return files, nil
}
