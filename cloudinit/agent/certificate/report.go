package certificate

import (
	"strings"
	"time"

	"escala/service"
	"escala/service/machine"
)

// report updates the status, and logs a new problem.
func (k *Keeper) report(now time.Time) {
	s := machine.Certificate{Names: []string{}}
	for i, c := range k.certificates() {
		if c.pair == nil || c.pair.expired(now) || k.served != nil {
			s.Missing = append(s.Missing, c.subject)
		} else {
			s.Names = append(s.Names, c.subject)
		}
		if i == 0 && c.pair != nil {
			s.Issuer, s.Serial = c.pair.issuer(), c.pair.serial()
			s.NotBefore, s.NotAfter = c.pair.Leaf.NotBefore.Unix(), c.pair.Leaf.NotAfter.Unix()
		}
	}
	var problems []string
	if k.secret != nil {
		problems = append(problems, k.secret.Error())
	}
	if k.Settings.Mode == service.TLSCertificate {
		problems = append(problems, k.own.problems(k, now)...)
	}
	var next time.Time
	for _, e := range k.entries {
		for _, problem := range e.problems() {
			if len(k.entries) > 1 && !strings.Contains(problem, e.subject) {
				problem = e.subject + ": " + problem
			}
			problems = append(problems, problem)
		}
		if at := e.next(now); !at.IsZero() && (next.IsZero() || at.Before(next)) {
			next = at
		}
	}
	if k.served != nil {
		problems = append(problems, k.served.Error())
	}
	s.Error = strings.Join(problems, "; ")
	if !next.IsZero() {
		s.Next = next.Unix()
	}
	if s.Error != k.logged {
		k.logged = s.Error
		if s.Error != "" {
			k.Log.Warn("HTTPS", "reason", s.Error)
		}
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	s.Orders = k.orders
	k.status = s
}
