package ask

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"escala/cloudinit/agent/request"
	"escala/cloudinit/agent/store"
	"escala/infra/operate"
	"escala/service/machine"
)

// Maintain changes the stack's maintenance, and waits until the machine reports it.
func (m Machine) Maintain(ctx context.Context, change operate.Maintenance, report func(string)) error {
	var before request.Maintenance
	content, err := operate.Read(ctx, m.Requests, request.MaintenanceKey, objectLimit)
	switch {
	case err == nil:
		// An object that is not the stack's is replaced.
		before, _ = m.Key.Maintenance(content)
	case !absent(err):
		return fmt.Errorf("reading the stack's maintenance: %w", err)
	}
	next, err := request.NewMaintenance(change.On, change.Page, time.Now(), before)
	if err != nil {
		return err
	}
	object, err := m.Key.SignMaintenance(next)
	if err != nil {
		return err
	}
	if err := m.put(ctx, request.MaintenanceKey, object); err != nil {
		return err
	}
	report("waiting for machine " + m.ID)
	began := time.Now()
	for {
		on, err := m.maintained(ctx)
		if err == nil && on == change.On {
			return nil
		}
		if time.Since(began) > answerTimeout {
			return fmt.Errorf("the stack's maintenance is recorded, but machine %s has not followed it for %s: make status tells more", m.ID, time.Since(began).Round(time.Second))
		}
		if err := sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// maintained reports whether the machine's status in the store has a maintenance.
func (m Machine) maintained(ctx context.Context) (bool, error) {
	content, err := operate.Read(ctx, m.Answers, store.MachineKey(m.ID, store.StatusName), objectLimit)
	if err != nil {
		return false, err
	}
	status, err := machine.Read(bytes.NewReader(content))
	return status.Maintenance, err
}
