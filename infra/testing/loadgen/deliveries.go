package loadgen

import "time"

// deliveries records the messages of one room: their senders, the expected
// receivers and the receipts. It holds the messages of the last Sockets.Grace.
// The owner's lock guards it.
type deliveries struct {
	settle, grace time.Duration
	counters      *SocketCounters
	delivery      *histogram
	slots         []slot
	messages      map[messageID]*message
}

// slot is a client's place in the room.
type slot struct {
	joined bool
	known  bool     // has joined at least once
	last   []uint64 // highest number received, by sender; numbers count from 1
}

type messageID struct {
	sender int
	number uint64
}

type message struct {
	at       time.Time
	receipts []receipt // by slot
}

type receipt uint8

const (
	notExpected receipt = iota // the client has never been in the room
	waiting
	excused // sender or receiver was away, or left shortly after
	received
)

func newDeliveries(o Sockets, counters *SocketCounters, delivery *histogram) *deliveries {
	l := &deliveries{
		settle: o.Settle, grace: o.Grace, counters: counters, delivery: delivery,
		slots: make([]slot, o.ClientsPerRoom), messages: map[messageID]*message{},
	}
	for i := range l.slots {
		l.slots[i].last = make([]uint64, o.ClientsPerRoom)
	}
	return l
}

func (l *deliveries) join(client int) {
	l.slots[client].joined, l.slots[client].known = true, true
	l.counters.Joined++
}

// leave records the end of a client's connection. Messages in flight from it or
// to it are excused.
func (l *deliveries) leave(client int, now time.Time) {
	if l.slots[client].joined {
		l.slots[client].joined = false
		l.counters.Joined--
	}
	for id, m := range l.messages {
		if now.Sub(m.at) > l.settle {
			continue
		}
		for slot, r := range m.receipts {
			if r == waiting && (slot == client || id.sender == client) {
				m.receipts[slot] = excused
			}
		}
	}
}

// sent records a message. Call it before the message is written.
func (l *deliveries) sent(sender int, number uint64, now time.Time) {
	m := &message{at: now, receipts: make([]receipt, len(l.slots))}
	for i, s := range l.slots {
		switch {
		case !s.known:
			continue
		case s.joined:
			m.receipts[i] = waiting
		default:
			m.receipts[i] = excused
		}
		l.counters.Expected++
	}
	l.counters.Sent++
	l.messages[messageID{sender, number}] = m
}

// receive records a receipt.
func (l *deliveries) receive(client, sender int, number uint64, now time.Time) {
	m := l.messages[messageID{sender, number}]
	if m == nil {
		l.counters.Late++
		return
	}
	switch m.receipts[client] {
	case received:
		l.counters.Duplicates++
		return
	case waiting, excused:
		l.counters.Delivered++
		l.delivery.add(now.Sub(m.at))
	case notExpected:
	}
	m.receipts[client] = received
	if last := &l.slots[client].last[sender]; number < *last {
		l.counters.OutOfOrder++
	} else {
		*last = number
	}
}

// settled finishes the messages whose grace period is over and returns the
// number of outstanding receipts.
func (l *deliveries) settled(now time.Time) (open int) {
	for id, m := range l.messages {
		over := now.Sub(m.at) > l.grace
		for _, r := range m.receipts {
			switch {
			case r == waiting && over:
				l.counters.Lost++
			case r == excused && over:
				l.counters.LostAtClose++
			case r == waiting, r == excused:
				open++
			}
		}
		if over {
			delete(l.messages, id)
		}
	}
	return open
}
