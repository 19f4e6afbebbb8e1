package rooms

import "github.com/prometheus/client_golang/prometheus"

// counts are the rooms' metrics.
type counts struct {
	received, sent, slow, unpublished prometheus.Counter
}

func newCounts(reg prometheus.Registerer, localOnly func() float64) *counts {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	c := &counts{
		received:    counter("rooms_messages_received_total", "Messages from clients."),
		sent:        counter("rooms_messages_sent_total", "Messages written to clients."),
		slow:        counter("rooms_slow_client_events_total", "Messages that found a client's queue full."),
		unpublished: counter("rooms_messages_unpublished_total", "Messages that did not reach other workers, because Redis was down or too slow."),
	}
	if reg != nil {
		reg.MustRegister(c.received, c.sent, c.slow, c.unpublished,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "rooms_local_only", Help: "1 while Redis is down and messages stay on this worker.",
			}, localOnly))
	}
	return c
}
