package loadgen

import "time"

// ledger is the book of one room: which messages were sent, who should have
// received them and who has. It holds the messages of the last Sockets.Grace
// and is guarded by its owner's lock.
type ledger struct {
	settle, grace time.Duration
	counters      *SocketCounters
	delivery      *histogram
	seats         []seat
	messages      map[messageID]*message
}

// seat is a client's place in the room.
type seat struct {
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
	receipts []receipt // by seat
}

type receipt uint8

const (
	notExpected receipt = iota // has never been in the room
	waiting
	excused // sender or receiver was away, or went away right then
	received
)

func newLedger(o Sockets, counters *SocketCounters, delivery *histogram) *ledger {
	l := &ledger{
		settle: o.Settle, grace: o.Grace, counters: counters, delivery: delivery,
		seats: make([]seat, o.ClientsPerRoom), messages: map[messageID]*message{},
	}
	for i := range l.seats {
		l.seats[i].last = make([]uint64, o.ClientsPerRoom)
	}
	return l
}

func (l *ledger) join(client int) {
	l.seats[client].joined, l.seats[client].known = true, true
	l.counters.Joined++
}

// leave notes that a client's connection ended. Messages that were under way
// from it or to it are excused.
func (l *ledger) leave(client int, now time.Time) {
	if l.seats[client].joined {
		l.seats[client].joined = false
		l.counters.Joined--
	}
	for id, m := range l.messages {
		if now.Sub(m.at) > l.settle {
			continue
		}
		for seat, r := range m.receipts {
			if r == waiting && (seat == client || id.sender == client) {
				m.receipts[seat] = excused
			}
		}
	}
}

// sent notes a message. It is to be called before the message is written.
func (l *ledger) sent(sender int, number uint64, now time.Time) {
	m := &message{at: now, receipts: make([]receipt, len(l.seats))}
	for i, s := range l.seats {
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

// receive notes a receipt.
func (l *ledger) receive(client, sender int, number uint64, now time.Time) {
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
	if last := &l.seats[client].last[sender]; number < *last {
		l.counters.OutOfOrder++
	} else {
		*last = number
	}
}

// settled closes the book on messages whose grace is over and says how many
// receipts are still waited for.
func (l *ledger) settled(now time.Time) (open int) {
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
