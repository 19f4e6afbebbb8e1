package rooms

// Report describes the outage that keeps rooms from being shared with other
// workers, and the last one that is over. Both are "" if there is none.
func (h *Hub) Report() (now, before string) {
	if h.bus == nil {
		return "", ""
	}
	return h.bus.outage.Report()
}
