package loadgen

import "maps"

// Counters are how many arrivals ended how. Once nothing is in flight,
//
//	Arrivals = OK + Failed + Unsent
//	Failed   = the sum of Kinds
//	Unsent   = the sum of UnsentKinds
type Counters struct {
	// Arrivals were due.
	Arrivals uint64 `json:"arrivals"`
	// OK were answered as expected.
	OK uint64 `json:"ok"`
	// Failed were not, because of the service or the way to it.
	Failed uint64 `json:"failed"`
	// Unsent never reached the service because of the generator. A run that
	// has any proves less than it seems: the service was not asked.
	Unsent uint64 `json:"unsent"`
	// Kinds are the failed ones by kind.
	Kinds map[Kind]uint64 `json:"kinds,omitempty"`
	// UnsentKinds are the unsent ones by kind (Shed, Local).
	UnsentKinds map[Kind]uint64 `json:"unsent_kinds,omitempty"`
	// Status are the answers, good ones too, by status.
	Status map[int]uint64 `json:"status,omitempty"`
	// FailedReused are those of Failed that went to a kept connection and of
	// whose answer nothing came (eof, reset): the other side closed the
	// connection while the request was on its way, or died with it. Many
	// clients, net/http among them, repeat such a request silently if it is a
	// GET.
	FailedReused uint64 `json:"failed_reused"`
	// Opened are connections that were opened or attempted.
	Opened uint64 `json:"opened"`
	// IdleClosed are kept connections that the other side closed while no
	// request was on them. That is no failure.
	IdleClosed uint64 `json:"idle_closed"`
}

func newCounters() Counters {
	return Counters{Kinds: map[Kind]uint64{}, UnsentKinds: map[Kind]uint64{}, Status: map[int]uint64{}}
}

func (c *Counters) add(o outcome) {
	switch {
	case o.kind == OK:
		c.OK++
	case o.kind.unsent():
		c.Unsent++
		c.UnsentKinds[o.kind]++
	default:
		c.Failed++
		c.Kinds[o.kind]++
	}
	if o.status != 0 {
		c.Status[o.status]++
	}
	if o.reused && o.status == 0 && (o.kind == EOF || o.kind == Reset) {
		c.FailedReused++
	}
	if o.opened {
		c.Opened++
	}
	c.IdleClosed += uint64(o.idleClosed)
}

// clone returns a copy that shares nothing.
func (c Counters) clone() Counters {
	c.Kinds, c.UnsentKinds, c.Status = maps.Clone(c.Kinds), maps.Clone(c.UnsentKinds), maps.Clone(c.Status)
	return c
}

// minus returns what was added since earlier.
func (c Counters) minus(earlier Counters) Counters {
	c.Arrivals -= earlier.Arrivals
	c.OK -= earlier.OK
	c.Failed -= earlier.Failed
	c.Unsent -= earlier.Unsent
	c.Kinds = less(c.Kinds, earlier.Kinds)
	c.UnsentKinds = less(c.UnsentKinds, earlier.UnsentKinds)
	c.Status = less(c.Status, earlier.Status)
	c.FailedReused -= earlier.FailedReused
	c.Opened -= earlier.Opened
	c.IdleClosed -= earlier.IdleClosed
	return c
}

// less subtracts by key and leaves out what did not change.
func less[K comparable](now, earlier map[K]uint64) map[K]uint64 {
	difference := make(map[K]uint64, len(now))
	for key, n := range now {
		if n -= earlier[key]; n > 0 {
			difference[key] = n
		}
	}
	return difference
}
