package plan

import "fmt"

// CostState is the kind of knowledge about a price.
type CostState string

// The states of a cost. Only Priced has an amount. An unknown cost is NotPriced, and
// never 0.
const (
	// Priced means that an amount a month is known.
	Priced CostState = "priced"
	// Free means that it costs nothing by the provider's document.
	Free CostState = "free"
	// Included means that it has no price of its own: it is a setting of another
	// resource, an object in a cluster, or a part of this computer.
	Included CostState = "included"
	// ByUse means that the cost depends on what is stored or done. It is not in the
	// sum.
	ByUse CostState = "by use"
	// NotPriced means that the price is not in the table.
	NotPriced CostState = "not priced"
)

// CostNote explains what an amount contains. Every report of costs has it.
const CostNote = "A month is 730 hours, on demand, in US dollars. Not counted: traffic, requests, " +
	"what is stored by the GB, taxes, discounts and what an account has free. " +
	"A machine that is replaced runs twice for some minutes."

// Costs are the monthly costs of a stack.
type Costs struct {
	Lines []Cost `json:"lines"`
	// Low and High limit the sum of the known prices, in US dollars. They differ for
	// resources that scale, and for an item that is free for the first of an
	// account.
	Low  float64 `json:"low"`
	High float64 `json:"high"`
	// Unpriced is the number of lines that are not in the sum because their price is
	// not known.
	Unpriced int `json:"unpriced,omitempty"`
}

// Cost is the monthly cost of one resource, or of a part of it.
type Cost struct {
	// Resource is the URN, and Name the name, of the resource that causes it.
	Resource string `json:"resource"`
	Name     string `json:"name"`
	// Part is the item that is paid for: "t4g.small", "10 GiB of gp3".
	Part  string    `json:"part"`
	State CostState `json:"state"`
	// Low and High limit the amount in US dollars. They are 0 unless State is
	// Priced.
	Low  float64 `json:"low,omitempty"`
	High float64 `json:"high,omitempty"`
	// Price is the source of the amount, or of the fact that there is none.
	Price *Price `json:"price,omitempty"`
	// Why explains an amount that is not obvious, or why the price is missing.
	Why string `json:"why,omitempty"`
}

// Price is an entry of the table of prices.
type Price struct {
	// Item names the item that is paid for: "aws/ec2/t4g.small".
	Item string `json:"item"`
	// Amount is in US dollars for each Unit: "hour", "month" or "percent". It is 0
	// for a free item.
	Amount float64 `json:"amount"`
	Unit   string  `json:"unit,omitempty"`
	// Region is the provider's name of the region, or "*".
	Region string `json:"region"`
	// Source is the address of the provider's document. Date is the day on which the
	// price was read from it. It is empty if the copy that was read has no date. Via
	// names the reader, if it was not this project.
	Source string `json:"source"`
	Date   string `json:"date,omitempty"`
	Via    string `json:"via,omitempty"`
}

// Sum formats the sum of the costs. It is "not priced" if no price is known.
func (c Costs) Sum() string {
	if c.High == 0 && c.Unpriced > 0 {
		return string(NotPriced)
	}
	return Dollars(c.Low, c.High)
}

// Dollars formats an amount, or its range: "48.00 to 96.00".
func Dollars(low, high float64) string {
	text := fmt.Sprintf("%.2f", low)
	if most := fmt.Sprintf("%.2f", high); most != text {
		text += " to " + most
	}
	return text
}
