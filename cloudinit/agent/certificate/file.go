package certificate

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// File returns a pair in the form that it has on the disk and that the proxy takes:
// two comments, then the chain and the key in PEM. The proxy compares the ID.
//
//	# 0123456789abcdef
//	# orders 1764140000 1771916000
//	-----BEGIN CERTIFICATE-----
func File(p Pair, orders []int64) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# %s\n# orders", p.ID)
	for _, at := range orders {
		fmt.Fprintf(&b, " %d", at)
	}
	b.WriteByte('\n')
	b.Write(p.PEM)
	return b.Bytes()
}

// FileName is the name of a subject's file on the disk.
func FileName(subject string) string { return subject + ".pem" }

var ordersLine = regexp.MustCompile(`(?m)^# orders([ 0-9]*)$`)

// parseFile reads what File returned.
func parseFile(content []byte) (Pair, record, error) {
	pair, err := ParsePair(content)
	if err != nil {
		return Pair{}, record{}, err
	}
	r := record{PEM: pair.PEM}
	if line := ordersLine.FindSubmatch(content); line != nil {
		for text := range strings.FieldsSeq(string(line[1])) {
			if at, err := strconv.ParseInt(text, 10, 64); err == nil && len(r.Orders) < maxOrders {
				r.Orders = append(r.Orders, at)
			}
		}
	}
	return pair, r, nil
}
