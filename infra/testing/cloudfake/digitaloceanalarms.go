package cloudfake

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"escala/infra/engine/offline"
)

const (
	doUptimeAlert  = "digitalocean:index/uptimeAlert:UptimeAlert"
	doMonitorAlert = "digitalocean:index/monitorAlert:MonitorAlert"
)

// Verify marks an address as verified, as if its owner had followed the link from
// DigitalOcean.
func (d *DigitalOcean) Verify(email string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.emails[email] = true
}

func (d *DigitalOcean) isVerified(email string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.emails[email]
}

// alarms returns the behaviours of DigitalOcean's Uptime and Monitoring.
func (d *DigitalOcean) alarms() []Behaviour {
	return []Behaviour{
		{
			Name: "alert-email-is-verified", Test: "TestDigitalOceanAlarms", Types: []string{doUptimeAlert, doMonitorAlert},
			Does:   "Sends alerts only to addresses that are verified in the account.",
			Source: doReference + "#tag/Monitoring/operation/monitoring_create_alertPolicy",
			Before: func(e *offline.Event) error {
				if e.Operation != offline.Create && e.Operation != offline.Update {
					return nil
				}
				for _, email := range alertEmails(*e) {
					if !d.isVerified(email) {
						return fmt.Errorf("Error creating alert: 422 the email %s is not verified", email) //nolint:staticcheck // as the provider says it
					}
				}
				return nil
			},
		},
		{
			Name: "down-alert-has-its-threshold", Test: "TestDigitalOceanAlarms", Types: []string{doUptimeAlert},
			Does:   "Sets the threshold of alerts on an outage to 1 and their comparison to less_than, whatever was asked for.",
			Source: "plantonhq, the tests of its DigitalOceanUptimeCheck",
			After: func(e *offline.Event) bool {
				if e.Operation == offline.Delete || !strings.HasPrefix(text(e.Inputs, "type"), "down") {
					return false
				}
				asked := e.Inputs["threshold"]
				e.Outputs["threshold"] = resource.NewProperty(1.0)
				e.Outputs["comparison"] = resource.NewProperty("less_than")
				return !asked.IsNumber() || asked.NumberValue() != 1 || text(e.Inputs, "comparison") != "less_than"
			},
		},
	}
}

// alertEmails returns the addresses of an alert of either kind.
func alertEmails(e offline.Event) []string {
	plain := offline.Plain(e.Inputs)
	notify, _ := plain["alerts"].(map[string]any)
	if all, ok := plain["notifications"].([]any); ok && len(all) > 0 {
		notify, _ = all[0].(map[string]any)
	}
	var emails []string
	list, _ := notify["emails"].([]any)
	for _, one := range list {
		emails = append(emails, fmt.Sprint(one))
	}
	return emails
}
