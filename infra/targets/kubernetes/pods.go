package kubernetes

import (
	"context"
	"fmt"

	"escala/infra/deploy"
	"escala/infra/operate"
	"escala/infra/operate/pods"
)

var (
	_ operate.Logger    = (*Kubernetes)(nil)
	_ operate.Restarter = (*Kubernetes)(nil)
	_ operate.Executor  = (*Kubernetes)(nil)
	_ operate.Runner    = (*Kubernetes)(nil)

	_ operate.Maintainer = (*Kubernetes)(nil)
)

// Logs reads the pods' logs from the cluster's API.
func (t *Kubernetes) Logs(ctx context.Context, s *operate.Stack, r operate.LogsRequest, emit func(operate.Line) error) error {
	c, err := t.operated(s)
	if err != nil {
		return err
	}
	return c.Logs(ctx, r, emit)
}

// Restart evicts the pods one after another.
func (t *Kubernetes) Restart(ctx context.Context, s *operate.Stack, report func(string)) error {
	c, err := t.operated(s)
	if err != nil {
		return err
	}
	return c.Restart(ctx, report)
}

// Exec runs a command in a pod's container.
func (t *Kubernetes) Exec(ctx context.Context, s *operate.Stack, r operate.ExecRequest) error {
	c, err := t.operated(s)
	if err != nil {
		return err
	}
	return c.Exec(ctx, r)
}

// Run runs the command of a process or a schedule in a Job.
func (t *Kubernetes) Run(ctx context.Context, s *operate.Stack, r operate.RunRequest) error {
	c, err := t.operated(s)
	if err != nil {
		return err
	}
	return c.Run(ctx, r)
}

// Maintain makes the pods answer with a maintenance page, or ends the maintenance.
func (t *Kubernetes) Maintain(ctx context.Context, s *operate.Stack, m operate.Maintenance, report func(string)) error {
	c, err := t.operated(s)
	if err != nil {
		return err
	}
	return c.Maintain(ctx, m, report)
}

// operated returns the service on the cluster that the settings lead to.
func (t *Kubernetes) operated(s *operate.Stack) (*pods.Cluster, error) {
	login, err := t.settings.cluster(deploy.Request{State: s.State})
	if err != nil {
		return nil, fmt.Errorf("kubernetes.kubeconfig: the context %w", err)
	}
	return pods.Open(s, login.kubeconfig)
}
