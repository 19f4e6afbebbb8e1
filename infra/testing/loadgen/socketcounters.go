package loadgen

import "maps"

// SocketCounters are what the WebSocket clients have counted. Once the load has
// ended,
//
//	Expected = Delivered + Lost + LostAtClose
type SocketCounters struct {
	// Joined are the clients that are in their room now.
	Joined uint64 `json:"joined"`
	// Dials are handshakes attempted.
	Dials uint64 `json:"dials"`
	// DialFailures are those that failed, by kind or as "status 503".
	DialFailures map[string]uint64 `json:"dial_failures,omitempty"`
	// Closes are connections that the service ended, by close code. 1006 is a
	// connection that ended without one, or went silent.
	Closes map[int]uint64 `json:"closes,omitempty"`
	// Unclean are those of Closes with another code than 1000 and 1001.
	Unclean uint64 `json:"unclean"`
	// Stalled are those of Closes that the client gave up, hearing nothing.
	Stalled uint64 `json:"stalled"`
	// Sent are messages sent.
	Sent uint64 `json:"sent"`
	// Expected are the receipts that they should have led to: one for each
	// client that has ever been in the room.
	Expected uint64 `json:"expected"`
	// Delivered are receipts that came.
	Delivered uint64 `json:"delivered"`
	// Lost are receipts that did not come although both sender and receiver
	// were in the room.
	Lost uint64 `json:"lost"`
	// LostAtClose are receipts that did not come, where sender or receiver was
	// away or its connection ended within Sockets.Settle.
	LostAtClose uint64 `json:"lost_at_close"`
	// Duplicates are receipts of a message that had been received.
	Duplicates uint64 `json:"duplicates"`
	// OutOfOrder are receipts after a later message of the same sender.
	OutOfOrder uint64 `json:"out_of_order"`
	// Late are receipts after Sockets.Grace. They count as lost, too.
	Late uint64 `json:"late"`
	// Reconnects are clients that were in their room again after a close.
	Reconnects uint64 `json:"reconnects"`
	// LongestReconnect is the longest time from the end of a connection until
	// its client received its own message again, in milliseconds.
	LongestReconnect float64 `json:"longest_reconnect_ms"`
}

func newSocketCounters() SocketCounters {
	return SocketCounters{DialFailures: map[string]uint64{}, Closes: map[int]uint64{}}
}

func (c SocketCounters) clone() SocketCounters {
	c.DialFailures, c.Closes = maps.Clone(c.DialFailures), maps.Clone(c.Closes)
	return c
}

// minus returns what was added since earlier. Joined stays that of the later
// one; LongestReconnect cannot be told from these two: see Snapshot.Since.
func (c SocketCounters) minus(earlier SocketCounters) SocketCounters {
	c.Dials -= earlier.Dials
	c.DialFailures = less(c.DialFailures, earlier.DialFailures)
	c.Closes = less(c.Closes, earlier.Closes)
	c.Unclean -= earlier.Unclean
	c.Stalled -= earlier.Stalled
	c.Sent -= earlier.Sent
	c.Expected -= earlier.Expected
	c.Delivered -= earlier.Delivered
	c.Lost -= earlier.Lost
	c.LostAtClose -= earlier.LostAtClose
	c.Duplicates -= earlier.Duplicates
	c.OutOfOrder -= earlier.OutOfOrder
	c.Late -= earlier.Late
	c.Reconnects -= earlier.Reconnects
	return c
}

// SocketResult is what the WebSocket clients saw in all.
type SocketResult struct {
	SocketCounters
	// Clients is their number.
	Clients int `json:"clients"`
	// Away are clients that were not in their room at the end.
	Away uint64 `json:"away"`
	// Delivery is from sending a message to its receipt.
	Delivery Latency `json:"delivery"`
	// Reconnect is from the end of a connection until the client received its
	// own message again.
	Reconnect Latency `json:"reconnect"`
	// Releases and Workers are the handshakes by X-Release and X-Worker.
	Releases map[string]Answers `json:"releases"`
	Workers  map[string]Answers `json:"workers"`
}
