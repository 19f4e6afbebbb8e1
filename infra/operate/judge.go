package operate

import (
	"strconv"
	"strings"
	"time"

	"escala/service/machine"
)

// add adds the knowledge about a machine to the status.
func (m Machines) add(s *Status, r reported, now time.Time) {
	one := Machine{ID: Plain(r.at.ID), Source: r.source, Replaced: r.at.Replaced}
	label := "machine " + one.ID
	switch {
	case r.status == nil:
		s.Problem("%s: %s", label, Plain(r.httpErr.Error()))
		s.Problem("%s: %s", label, Plain(r.storedErr.Error()))
	case r.source == "http":
		m.addReachable(s, &one, r.status, r.clock, now)
	default:
		s.Problem("%s: %s", label, Plain(r.httpErr.Error()))
		m.addStored(s, &one, r, now)
	}
	if r.details != nil {
		one.DiskFree, one.DiskTotal = known(r.details.Disk.Free, r.details.Disk.Total), known(r.details.Disk.Total, r.details.Disk.Total)
		one.MemoryFree, one.MemoryTotal = known(r.details.Memory.Free, r.details.Memory.Total), known(r.details.Memory.Total, r.details.Memory.Total)
		one.Booted = at(r.details.Booted)
		if total := r.details.Disk.Total; total > 0 && float64(r.details.Disk.Free) < diskLow*float64(total) {
			s.Problem("%s: the disk has %s of %s left", label, Bytes(r.details.Disk.Free), Bytes(total))
		}
	} else {
		s.NotKnown("since, restarts, memory and disk of %s: %s", label, Plain(r.storeErr.Error()))
	}
	s.Machines = append(s.Machines, one)
	if r.status != nil {
		m.addWorkers(s, label, *r.status, r.details, now)
	}
}

// addReachable adds a machine that answered. The age of its status is by its own clock.
func (m Machines) addReachable(s *Status, one *Machine, status *machine.Status, clock, now time.Time) {
	one.Phase = machine.Phase(Plain(string(status.Phase)))
	one.LastReport = at(status.Checked)
	if clock.IsZero() || status.Checked == 0 {
		s.NotKnown("when machine %s looked last: it gives no time", one.ID)
		return
	}
	age := int64(clock.Sub(time.Unix(status.Checked, 0)) / time.Second)
	one.Age = &age
	if age > int64(maxStatusAge/time.Second) && status.Phase != machine.Rolling {
		s.Problem("machine %s: its agent has not looked for %s", one.ID, Ago(time.Duration(age)*time.Second))
	}
	if apart := clock.Sub(now); apart.Abs() > time.Minute {
		s.NotKnown("times of machine %s: its clock and this one are %s apart", one.ID, Ago(apart.Abs()))
	}
}

// addStored adds a machine whose status is only known from the store. The age of that
// follows from this computer's clock, which may be wrong.
func (m Machines) addStored(s *Status, one *Machine, r reported, now time.Time) {
	one.Phase = machine.Phase(Plain(string(r.status.Phase)))
	last, every := r.status.Checked, int64(0)
	if r.details != nil && r.details.Time >= last {
		last, every = r.details.Time, r.details.Every
	}
	one.LastReport = at(last)
	age := now.Unix() - last
	switch {
	case last == 0, age < -60:
		s.NotKnown("how old the last word of machine %s is: its clock is ahead of this one", one.ID)
	case every > 0 && age > 3*every:
		one.Age = &age
		s.Problem("machine %s: not heard of for %s; it writes every %s", one.ID, Ago(time.Duration(age)*time.Second), Ago(time.Duration(every)*time.Second))
	default:
		one.Age = &age
	}
}

// addWorkers adds the workers, and their problems.
func (m Machines) addWorkers(s *Status, label string, status machine.Status, details *machine.Details, now time.Time) {
	wanted := s.Wanted
	if wanted == "" {
		wanted = ID(status.Wanted)
		s.Wanted = wanted
	}
	switch ok, missing := status.Serves(wanted, m.Stack.Spec.Workers.Count); {
	case !ok:
		s.Problem("%s: %s", label, Plain(missing))
	case status.Phase != machine.Serving:
		s.Problem("%s is %s", label, Plain(string(status.Phase)))
	}
	s.Maintenance = s.Maintenance || status.Maintenance
	for _, w := range status.Workers[:min(len(status.Workers), maxInstances)] {
		one := Instance{Name: strconv.Itoa(w.Worker), Release: ID(w.Release), Ready: w.Ready, Trouble: Plain(w.Trouble)}
		if len(m.At) > 1 {
			one.Name = Plain(status.Machine) + "/" + one.Name
		}
		if details != nil {
			for _, d := range details.Workers {
				if d.Worker == w.Worker {
					one.Since, one.Restarts, one.MemoryBytes = at(d.Started), &d.Restarts, known(d.Memory, d.Memory)
				}
			}
		}
		s.Instances = append(s.Instances, one)
	}
	if trouble := Plain(status.Trouble()); trouble != "" {
		s.Problem("%s: %s", label, trouble)
	}
	if incident := Plain(status.Incident); incident > s.Incident {
		s.Incident = incident
	}
	if status.Certificate != nil {
		s.certify(*status.Certificate, now)
	}
}

// certify adds a certificate, and its problems.
func (s *Status) certify(c machine.Certificate, now time.Time) {
	for i := range c.Names {
		c.Names[i] = Plain(c.Names[i])
	}
	for i := range c.Missing {
		c.Missing[i] = Plain(c.Missing[i])
	}
	c.Issuer, c.Serial, c.Error = Plain(c.Issuer), Plain(c.Serial), Plain(c.Error)
	s.Certificate = &c
	switch {
	case !c.Valid(now) && c.Error != "":
		s.Problem("no valid certificate: %s", c.Error)
	case !c.Valid(now):
		s.Problem("there is no valid certificate yet")
	case len(c.Missing) > 0:
		s.Problem("no certificate for %s: %s", strings.Join(c.Missing, ", "), c.Error)
	case c.Error != "" && time.Unix(c.NotAfter, 0).Sub(now) < certificateSoon:
		s.Problem("the certificate ends %s and is not renewed: %s", time.Unix(c.NotAfter, 0).UTC().Format(time.DateOnly), c.Error)
	}
}

// known returns value, or nil if decides is not positive.
func known(value, decides int64) *int64 {
	if decides <= 0 {
		return nil
	}
	return &value
}
