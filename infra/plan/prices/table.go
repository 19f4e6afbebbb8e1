// Package prices computes the monthly costs of a planned stack. The prices are in
// prices.yaml, each with its region, its source and its date. A new resource type
// has no rule: the plan shows "not priced" until it gets one in aws.go,
// digitalocean.go or kubernetes.go.
package prices

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"escala/infra/plan"
)

//go:embed prices.yaml
var embedded []byte

// everywhere is the region of a price that is the same in all regions.
const everywhere = "*"

// Units of prices.
const (
	hour    = "hour"
	month   = "month"
	percent = "percent"
)

// hours is the number of hours of a month: 365 days × 24 hours / 12, as in both
// clouds' calculators.
const hours = 730

// Table holds the prices by item and region.
type Table struct {
	prices map[string]map[string]plan.Price
}

// group holds the prices in one document for one region.
type group struct {
	Region  string             `yaml:"region"`
	Source  string             `yaml:"source"`
	Date    string             `yaml:"date"`
	Via     string             `yaml:"via"`
	Hour    map[string]float64 `yaml:"hour"`
	Month   map[string]float64 `yaml:"month"`
	Percent map[string]float64 `yaml:"percent"`
	// Free are the items that cost nothing.
	Free []string `yaml:"free"`
}

// Load returns the table that is embedded in the program.
func Load() (Table, error) { return Read(embedded) }

// Read reads a table. Its errors name the group.
func Read(content []byte) (Table, error) {
	var file struct {
		Groups []group `yaml:"groups"`
	}
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&file); err != nil && !errors.Is(err, io.EOF) {
		return Table{}, fmt.Errorf("reading the prices: %w", err)
	}
	t := Table{prices: map[string]map[string]plan.Price{}}
	for i, g := range file.Groups {
		if err := t.add(g); err != nil {
			return Table{}, fmt.Errorf("reading the prices: groups[%d]: %w", i, err)
		}
	}
	return t, nil
}

func (t Table) add(g group) error {
	if g.Region == "" {
		return errors.New(`region is not set; "*" is every region`)
	}
	if u, err := url.Parse(g.Source); err != nil || u.Scheme != "https" || u.Host == "" {
		return fmt.Errorf("source: %q is not the https address of the provider's document", g.Source)
	}
	if _, err := time.Parse(time.DateOnly, g.Date); g.Date != "" && err != nil {
		return fmt.Errorf("date: %q is not a day such as 2026-09-29", g.Date)
	}
	if g.Date == "" && g.Via == "" {
		return errors.New("date is not set, and via does not say of what copy")
	}
	all := map[string]map[string]float64{hour: g.Hour, month: g.Month, percent: g.Percent, "": {}}
	for _, item := range g.Free {
		all[""][item] = 0
	}
	for unit, items := range all {
		for item, amount := range items {
			if unit != "" && amount <= 0 {
				return fmt.Errorf("%s: %v is not a price; what costs nothing is below free", item, amount)
			}
			if !strings.Contains(item, "/") {
				return fmt.Errorf("%q is not an item such as aws/ec2/t4g.small", item)
			}
			if t.prices[item] == nil {
				t.prices[item] = map[string]plan.Price{}
			}
			if _, twice := t.prices[item][g.Region]; twice {
				return fmt.Errorf("%s has two prices in region %q", item, g.Region)
			}
			t.prices[item][g.Region] = plan.Price{
				Item: item, Amount: amount, Unit: unit, Region: g.Region, Source: g.Source, Date: g.Date, Via: g.Via,
			}
		}
	}
	return nil
}

// price returns an item's price in a region, or the price for all regions.
func (t Table) price(item, region string) (plan.Price, bool) {
	if p, ok := t.prices[item][region]; ok {
		return p, true
	}
	p, ok := t.prices[item][everywhere]
	return p, ok
}

// monthly returns a price for a month.
func monthly(p plan.Price) float64 {
	if p.Unit == hour {
		return p.Amount * hours
	}
	return p.Amount
}
