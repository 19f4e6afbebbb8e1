package dodoks

import (
	"escala/infra/deploy/dodns"
	"escala/infra/targets/kubernetes"
	"escala/service"
)

// makesRecords reports whether the stack makes the records of its names.
func (s Settings) makesRecords(spec service.Spec) bool { return spec.MakesRecords(s.Domain) }

// domains returns the choice of domains for the service's names. It has no names if
// DigitalOcean's DNS is not needed.
func (s Settings) domains(spec service.Spec) dodns.Choice {
	return dodns.NewChoice("doks.domain", s.Domain, spec)
}

// records registers the records that lead to the load balancer. Its address is
// known once DigitalOcean has created it. The workload's gate waits for that.
func (d deployment) records(w *kubernetes.Workload) error {
	if !d.settings.makesRecords(d.Request.Spec) {
		return nil
	}
	_, err := dodns.Addresses(d.Component, d.lookup.domains, w.Address)
	return err
}
