package dodoks

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestAlarms(t *testing.T) {
	const check, alert = "digitalocean:index/uptimeCheck:UptimeCheck", "digitalocean:index/uptimeAlert:UptimeAlert"
	r := request()
	assert.Empty(t, deployed(t, New(), r).OfType(check), "nobody to tell")

	r.AlarmEmails = []string{"ops@example.com"}
	m := deployed(t, New(), r)
	assert.Equal(t, []any{"eu_west", "us_east"}, m.Only(t, check).Inputs["regions"])
	assert.Equal(t, "down_global", m.Only(t, alert).Inputs["type"], "without HTTPS no certificate runs out")

	d := New()
	d.settings.Certificate = "api"
	r.Spec.Host = "api.example.com"
	assert.Len(t, deployed(t, d, r).OfType(alert), 2)
}
