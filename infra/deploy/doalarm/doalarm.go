// Package doalarm registers DigitalOcean's alarms: the service is down, its
// certificate expires soon, or a machine is full. Package awsalarm has
// those of AWS.
package doalarm

import (
	"fmt"
	"strings"

	"github.com/pulumi/pulumi-digitalocean/sdk/v4/go/digitalocean"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"escala/infra/deploy"
)

// regions are the regions from which the service is checked. It is down if none of
// them gets an answer, so that a short failure of one region is no alarm.
var regions = []string{"eu_west", "us_east"}

// certificateDays is the number of days before a certificate's expiry at which the
// alarm starts. Certificates are renewed 30 days before they expire.
const certificateDays = 14

// Uptime registers the check of the service at its public address, and its alarms.
// https adds the alarm on the certificate. If the request has no alarm e-mail
// addresses, Uptime registers nothing.
func Uptime(c *deploy.Component, e deploy.Endpoint, https bool) error {
	if len(c.Request.AlarmEmails) == 0 {
		return nil
	}
	path := c.Request.Spec.ReadyPath
	check, err := digitalocean.NewUptimeCheck(c.Ctx, c.Name("uptime"), &digitalocean.UptimeCheckArgs{
		Name:   pulumi.String(c.Ctx.Project() + "-" + c.Ctx.Stack()),
		Target: pulumi.Sprintf("%s%s", e.URL, path),
		Type: e.URL.ApplyT(func(url string) string {
			scheme, _, _ := strings.Cut(url, "://")
			return scheme
		}).(pulumi.StringOutput),
		Regions: pulumi.ToStringArray(regions),
		Enabled: pulumi.Bool(true),
	}, c.Options()...)
	if err != nil {
		return fmt.Errorf("registering the uptime check: %w", err)
	}
	// The API replaces the threshold of "down" with 1, so the program sets 1.
	if err := uptimeAlert(c, check, "down", "down_global", 1); err != nil {
		return err
	}
	if !https {
		return nil
	}
	return uptimeAlert(c, check, "certificate", "ssl_expiry", certificateDays)
}

// uptimeAlert registers an alarm of a check. The alarm is replaced with its check,
// because the provider would not find it under another check.
func uptimeAlert(c *deploy.Component, check *digitalocean.UptimeCheck, part, kind string, below int) error {
	_, err := digitalocean.NewUptimeAlert(c.Ctx, c.Name(part), &digitalocean.UptimeAlertArgs{
		Name:       pulumi.String(c.Ctx.Project() + "-" + c.Ctx.Stack() + "-" + part),
		CheckId:    check.ID(),
		Type:       pulumi.String(kind),
		Comparison: pulumi.String("less_than"),
		Threshold:  pulumi.Int(below),
		Period:     pulumi.String("2m"),
		Notifications: digitalocean.UptimeAlertNotificationArray{&digitalocean.UptimeAlertNotificationArgs{
			Emails: pulumi.ToStringArray(c.Request.AlarmEmails),
		}},
	}, c.Options(pulumi.ReplaceOnChanges([]string{"checkId"}), pulumi.DeleteBeforeReplace(true))...)
	if err != nil {
		return fmt.Errorf("registering the alarm %s: %w", part, err)
	}
	return nil
}

// full lists the alarms on a machine's resources. Each has the percentage that must
// be exceeded for ten minutes.
var full = []struct {
	part, kind string
	percent    float64
}{
	{"cpu", "v1/insights/droplet/cpu", 90},
	{"memory", "v1/insights/droplet/memory_utilization_percent", 90},
	{"disk", "v1/insights/droplet/disk_utilization_percent", 85},
}

// Machines registers the alarms on CPU, memory and disk of all machines with a tag,
// so they also apply to the next machine. The machines need DigitalOcean's metrics
// agent. If the request has no alarm e-mail addresses, Machines registers nothing.
func Machines(c *deploy.Component, tag pulumi.StringInput) error {
	if len(c.Request.AlarmEmails) == 0 {
		return nil
	}
	for _, one := range full {
		_, err := digitalocean.NewMonitorAlert(c.Ctx, c.Name(one.part), &digitalocean.MonitorAlertArgs{
			Description: pulumi.Sprintf("%s of %s %s is above %g %%", one.part, c.Ctx.Project(), c.Ctx.Stack(), one.percent),
			Type:        pulumi.String(one.kind),
			Compare:     pulumi.String("GreaterThan"),
			Value:       pulumi.Float64(one.percent),
			Window:      pulumi.String("10m"),
			Enabled:     pulumi.Bool(true),
			Tags:        pulumi.StringArray{tag},
			Alerts:      digitalocean.MonitorAlertAlertsArgs{Emails: pulumi.ToStringArray(c.Request.AlarmEmails)},
		}, c.Options()...)
		if err != nil {
			return fmt.Errorf("registering the alarm %s: %w", one.part, err)
		}
	}
	return nil
}
