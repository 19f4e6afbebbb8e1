package rooms

// Report tells what keeps rooms from being shared with other workers, and what last
// did and is over. Both are "" if nothing does or has.
func (h *Hub) Report() (now, before string) {
	if h.bus == nil {
		return "", ""
	}
	return h.bus.outage.Report()
}
