package grafana

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// strict is a type of Grafana's schema.
type strict interface {
	UnmarshalJSONStrict(raw []byte) error
	Validate() error
}

// read reads a value by the schema, which reports each key that is unknown, missing
// or of another type.
func read(raw []byte, into strict) error {
	err := into.UnmarshalJSONStrict(raw)
	// Without an error, the schema returns an empty list. Its own types treat that
	// as an error, so panels and queries are read one by one.
	if list, ok := err.(cog.BuildErrors); err != nil && (!ok || len(list) > 0) {
		return err
	}
	return into.Validate()
}

// check reads a dashboard with its panels and queries.
func check(content []byte) error {
	if err := read(content, &dashboard.Dashboard{}); err != nil {
		return err
	}
	var all struct{ Panels []json.RawMessage }
	if err := json.Unmarshal(content, &all); err != nil {
		return err
	}
	if len(all.Panels) == 0 {
		return errors.New("it has no panel")
	}
	for _, raw := range all.Panels {
		var panel dashboard.Panel
		if err := read(raw, &panel); err != nil {
			return fmt.Errorf("panel: %w", err)
		}
		var queries struct{ Targets []json.RawMessage }
		if err := json.Unmarshal(raw, &queries); err != nil {
			return err
		}
		if panel.Type != "timeseries" || len(queries.Targets) == 0 {
			return fmt.Errorf("%s: it is a %s with %d queries", *panel.Title, panel.Type, len(queries.Targets))
		}
		for _, one := range queries.Targets {
			if err := read(one, &prometheus.Dataquery{}); err != nil {
				return fmt.Errorf("%s: query: %w", *panel.Title, err)
			}
		}
	}
	return nil
}

func TestDashboard(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	content, err := os.ReadFile("../../../service/metrics/monitoring/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := check(content); err != nil {
		t.Fatal(err)
	}

	// The check must find each of these faults.
	for from, to := range map[string]string{
		`"gridPos"`:             `"gridpos"`,
		`"schemaVersion": 39`:   `"schemaVersion": "39"`,
		`"type": "timeseries"`:  `"type": 7`,
		`"expr": `:              `"expression": `,
		`"unit": "reqps"`:       `"unit": ["reqps"]`,
		`"title": "Service",`:   `"titel": "Service",`,
		`"multi": true,`:        `"multi": 5,`,
		`"legendFormat": "5xx"`: `"legendFormat": 5`,
		`"annotations": `:       `"notes": `,
	} {
		broken := bytes.Replace(content, []byte(from), []byte(to), 1)
		if bytes.Equal(broken, content) {
			t.Errorf("the dashboard has no %s", from)
			continue
		}
		if check(broken) == nil {
			t.Errorf("%s in place of %s is not found", to, from)
		}
	}
}
