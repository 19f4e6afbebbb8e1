package loadgen

import "maps"

// SocketCounters counts what the WebSocket clients see. After the end of the
// load,
//
//	Expected = Delivered + Lost + LostAtClose
type SocketCounters struct {
	// Joined is the number of clients that are in their room now.
	Joined uint64 `json:"joined"`
	// Dials is the number of attempted handshakes.
	Dials uint64 `json:"dials"`
	// DialFailures counts the failed handshakes by kind or as "status 503".
	DialFailures map[string]uint64 `json:"dial_failures,omitempty"`
	// Closes counts the connections that the service closed, by close code.
	// 1006 is a connection that ended without a code or went silent.
	Closes map[int]uint64 `json:"closes,omitempty"`
	// Unclean is the part of Closes with a code other than 1000 and 1001.
	Unclean uint64 `json:"unclean"`
	// Stalled is the part of Closes in which the client received nothing and
	// gave up.
	Stalled uint64 `json:"stalled"`
	// Sent is the number of sent messages.
	Sent uint64 `json:"sent"`
	// Expected is the number of receipts that these messages should cause: one
	// for each client that has ever been in the room.
	Expected uint64 `json:"expected"`
	// Delivered is the number of receipts that arrived.
	Delivered uint64 `json:"delivered"`
	// Lost is the number of receipts that did not arrive although both sender
	// and receiver were in the room.
	Lost uint64 `json:"lost"`
	// LostAtClose is the number of receipts that did not arrive because the
	// sender or the receiver was away or its connection ended within
	// Sockets.Settle.
	LostAtClose uint64 `json:"lost_at_close"`
	// Duplicates is the number of receipts of a message that had already been
	// received.
	Duplicates uint64 `json:"duplicates"`
	// OutOfOrder is the number of receipts that came after a later message of
	// the same sender.
	OutOfOrder uint64 `json:"out_of_order"`
	// Late is the number of receipts after Sockets.Grace. They also count as
	// lost.
	Late uint64 `json:"late"`
	// Reconnects is the number of clients that returned to their room after a
	// close.
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

// minus returns the difference from an earlier state. Joined stays that of the
// later state. LongestReconnect cannot be computed from two states: see
// Snapshot.Since.
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

// SocketResult is the total result of the WebSocket clients.
type SocketResult struct {
	SocketCounters
	// Clients is the number of clients.
	Clients int `json:"clients"`
	// Away is the number of clients that were not in their room at the end.
	Away uint64 `json:"away"`
	// Delivery is the time from the sending of a message to its receipt.
	Delivery Latency `json:"delivery"`
	// Reconnect is the time from the end of a connection until the client
	// received its own message again.
	Reconnect Latency `json:"reconnect"`
	// Releases and Workers count the handshakes by X-Release and X-Worker.
	Releases map[string]Answers `json:"releases"`
	Workers  map[string]Answers `json:"workers"`
}
