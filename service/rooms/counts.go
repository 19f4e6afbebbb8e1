package rooms

import "github.com/prometheus/client_golang/prometheus"

// counts are the rooms' metrics.
type counts struct {
	received, sent, slow, closed, unpublished, refused prometheus.Counter
}

func newCounts(reg prometheus.Registerer, h *Hub) *counts {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
	}
	c := &counts{
		received:    counter("rooms_messages_received_total", "Messages from clients."),
		sent:        counter("rooms_messages_sent_total", "Messages written to clients."),
		slow:        counter("rooms_slow_client_events_total", "Messages that found a client's queue, or the worker's, full."),
		closed:      counter("rooms_slow_clients_closed_total", "Clients that were closed because they did not read."),
		refused:     counter("rooms_origins_refused_total", "WebSockets refused because of the page that opened them."),
		unpublished: counter("rooms_messages_unpublished_total", "Messages that did not reach other workers, because Redis was down or too slow."),
	}
	if reg != nil {
		reg.MustRegister(c.received, c.sent, c.slow, c.closed, c.refused, c.unpublished,
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "rooms_local_only", Help: "1 while Redis is down and messages stay on this worker.",
			}, h.localOnly),
			prometheus.NewGaugeFunc(prometheus.GaugeOpts{
				Name: "rooms_waiting_bytes", Help: "Bytes of messages that wait for clients.",
			}, func() float64 { return float64(h.waiting.held.Load()) }))
	}
	return c
}
