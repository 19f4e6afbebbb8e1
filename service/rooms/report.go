package rooms

// Report returns the current outage that keeps rooms from being shared with
// other workers, and the last one that has ended. Each is "" if there is none.
func (h *Hub) Report() (now, before string) {
	if h.bus == nil {
		return "", ""
	}
	return h.bus.outage.Report()
}
