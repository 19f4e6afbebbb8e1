package loadgen

import "maps"

// Counters counts arrivals by their outcome. When no request is in flight,
//
//	Arrivals = OK + Failed + Unsent
//	Failed   = the sum of Kinds
//	Unsent   = the sum of UnsentKinds
type Counters struct {
	// Arrivals is the number of requests that were due.
	Arrivals uint64 `json:"arrivals"`
	// OK is the number of requests that were answered as expected.
	OK uint64 `json:"ok"`
	// Failed is the number of requests that failed because of the service or
	// the network.
	Failed uint64 `json:"failed"`
	// Unsent is the number of requests that the generator could not send. With
	// any of them a run proves less, because the service was not asked.
	Unsent uint64 `json:"unsent"`
	// Kinds counts the failed requests by kind.
	Kinds map[Kind]uint64 `json:"kinds,omitempty"`
	// UnsentKinds counts the unsent requests by kind (Shed, Local).
	UnsentKinds map[Kind]uint64 `json:"unsent_kinds,omitempty"`
	// Status counts all answers by status, including the good ones.
	Status map[int]uint64 `json:"status,omitempty"`
	// FailedReused is the part of Failed that was sent over a kept connection
	// and got no byte of an answer (eof, reset): the other side closed the
	// connection while the request was in flight, or died with it. Many
	// clients, including net/http, silently repeat such a request if it is a
	// GET.
	FailedReused uint64 `json:"failed_reused"`
	// Opened is the number of connections that were opened or attempted.
	Opened uint64 `json:"opened"`
	// IdleClosed is the number of kept connections that the other side closed
	// while they carried no request. This is not a failure.
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

// clone returns a deep copy.
func (c Counters) clone() Counters {
	c.Kinds, c.UnsentKinds, c.Status = maps.Clone(c.Kinds), maps.Clone(c.UnsentKinds), maps.Clone(c.Status)
	return c
}

// minus returns the difference from an earlier state.
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

// less subtracts by key and omits unchanged keys.
func less[K comparable](now, earlier map[K]uint64) map[K]uint64 {
	difference := make(map[K]uint64, len(now))
	for key, n := range now {
		if n -= earlier[key]; n > 0 {
			difference[key] = n
		}
	}
	return difference
}
