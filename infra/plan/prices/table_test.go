package prices

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestThePricesHaveSources checks that each price of the program has a region, the
// provider's own document, and the date of reading or a copy without a date.
func TestThePricesHaveSources(t *testing.T) {
	table, err := Load()
	require.NoError(t, err)
	assert.Greater(t, len(table.prices), 300)
	for item, regions := range table.prices {
		for region, p := range regions {
			assert.NotEmpty(t, region, item)
			assert.Regexp(t, `^https://(docs\.aws|aws)\.amazon\.com/|^https://(docs|www)\.digitalocean\.com/`, p.Source, item)
			assert.NotEmpty(t, p.Date+p.Via, item)
			if p.Date != "" {
				day, err := time.Parse(time.DateOnly, p.Date)
				require.NoError(t, err)
				assert.False(t, day.After(time.Now()), "%s: %s is not over yet", item, p.Date)
			}
		}
	}
}

func TestTablesThatAreRefused(t *testing.T) {
	const source = "source: https://x.example/, date: 2026-01-01"
	for content, want := range map[string]string{
		"groups: [{" + source + ", free: [a/b]}]":                             `groups[0]: region is not set`,
		"groups: [{region: r, date: 2026-01-01, free: [a/b]}]":                `source: "" is not the https address`,
		"groups: [{region: r, source: http://x.example/, date: 2026-01-01}]":  `is not the https address`,
		"groups: [{region: r, source: https://x.example/, date: 01.01.2026}]": `date: "01.01.2026" is not a day`,
		"groups: [{region: r, source: https://x.example/, free: [a/b]}]":      `date is not set, and via does not say`,
		"groups: [{region: r, " + source + ", hour: {a/b: 0}}]":               `a/b: 0 is not a price; what costs nothing is below free`,
		"groups: [{region: r, " + source + ", month: {a: 1}}]":                `"a" is not an item`,
		"groups: [{region: r, " + source + ", month: {a/b: 1}, free: [a/b]}]": `a/b has two prices in region "r"`,
		"groups: [{region: r, " + source + ", week: {a/b: 1}}]":               `week`,
		"groups: [{region: r, " + source + ", month: {a/b: cheap}}]":          `cheap`,
	} {
		_, err := Read([]byte(content))
		require.ErrorContains(t, err, want, content)
	}
	table, err := Read(nil)
	require.NoError(t, err)
	_, known := table.price("a/b", "r")
	assert.False(t, known)
}
