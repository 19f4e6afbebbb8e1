package loadgen

import (
	"testing"
	"time"
)

// TestDeliveries checks the deliveries of a room of three clients step by step,
// without a network.
func TestDeliveries(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	tests := map[string]struct {
		play func(*deliveries)
		want SocketCounters
	}{
		"delivered to all": {
			play: func(l *deliveries) {
				l.sent(0, 1, at(0))
				for c := range 3 {
					l.receive(c, 0, 1, at(5))
				}
			},
			want: SocketCounters{Joined: 3, Sent: 1, Expected: 3, Delivered: 3},
		},
		"lost": {
			play: func(l *deliveries) {
				l.sent(0, 1, at(0))
				l.receive(0, 0, 1, at(5))
			},
			want: SocketCounters{Joined: 3, Sent: 1, Expected: 3, Delivered: 1, Lost: 2},
		},
		"receiver leaves right then": {
			play: func(l *deliveries) {
				l.sent(0, 1, at(0))
				l.receive(0, 0, 1, at(5))
				l.leave(1, at(500))
			},
			want: SocketCounters{Joined: 2, Sent: 1, Expected: 3, Delivered: 1, Lost: 1, LostAtClose: 1},
		},
		"receiver leaves too late for an excuse": {
			play: func(l *deliveries) {
				l.sent(0, 1, at(0))
				l.receive(0, 0, 1, at(5))
				l.receive(2, 0, 1, at(5))
				l.leave(1, at(1500))
			},
			want: SocketCounters{Joined: 2, Sent: 1, Expected: 3, Delivered: 2, Lost: 1},
		},
		"sender leaves right then": {
			play: func(l *deliveries) {
				l.sent(0, 1, at(0))
				l.leave(0, at(1))
			},
			want: SocketCounters{Joined: 2, Sent: 1, Expected: 3, LostAtClose: 3},
		},
		"receiver away, and served later": {
			play: func(l *deliveries) {
				l.leave(1, at(0))
				l.leave(2, at(0))
				l.sent(0, 1, at(10))
				l.receive(0, 0, 1, at(15))
				l.join(1)
				l.receive(1, 0, 1, at(900))
			},
			want: SocketCounters{Joined: 2, Sent: 1, Expected: 3, Delivered: 2, LostAtClose: 1},
		},
		"twice and out of order": {
			play: func(l *deliveries) {
				for n := uint64(1); n <= 2; n++ {
					l.sent(0, n, at(0))
				}
				for c := range 3 {
					l.receive(c, 0, 2, at(5))
					l.receive(c, 0, 1, at(6))
				}
				l.receive(1, 0, 1, at(7))
			},
			want: SocketCounters{Joined: 3, Sent: 2, Expected: 6, Delivered: 6, Duplicates: 1, OutOfOrder: 3},
		},
		"late": {
			play: func(l *deliveries) {
				l.sent(0, 1, at(0))
				l.receive(0, 0, 1, at(5))
				l.receive(1, 0, 1, at(5))
				l.settled(at(3001))
				l.receive(2, 0, 1, at(3002))
			},
			want: SocketCounters{Joined: 3, Sent: 1, Expected: 3, Delivered: 2, Lost: 1, Late: 1},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			o := NewSockets()
			o.ClientsPerRoom = 3
			var got SocketCounters
			l := newDeliveries(o, &got, new(histogram))
			for c := range 3 {
				l.join(c)
			}
			test.play(l)
			if open := l.settled(at(10000)); open != 0 || len(l.messages) != 0 {
				t.Errorf("%d receipts open, %d messages kept at the end", open, len(l.messages))
			}
			if !sameSockets(got, test.want) {
				t.Errorf("got  %+v\nwant %+v", got, test.want)
			}
			if got.Expected != got.Delivered+got.Lost+got.LostAtClose {
				t.Errorf("the books do not add up: %+v", got)
			}
		})
	}
}

// TestDeliveriesExpectOnlyThoseWhoHaveJoined checks that no receipt is expected
// from a client that has never joined.
func TestDeliveriesExpectOnlyThoseWhoHaveJoined(t *testing.T) {
	o := NewSockets()
	o.ClientsPerRoom = 2
	var got SocketCounters
	l := newDeliveries(o, &got, new(histogram))
	l.join(0)
	l.sent(0, 1, time.Now())
	l.receive(0, 0, 1, time.Now())
	l.receive(1, 0, 1, time.Now())
	if want := (SocketCounters{Joined: 1, Sent: 1, Expected: 1, Delivered: 1}); !sameSockets(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func sameSockets(a, b SocketCounters) bool {
	a.DialFailures, b.DialFailures, a.Closes, b.Closes = nil, nil, nil, nil
	return a.minus(b).isZero() && a.Joined == b.Joined
}

func (c SocketCounters) isZero() bool {
	return c.Sent|c.Expected|c.Delivered|c.Lost|c.LostAtClose|c.Duplicates|c.OutOfOrder|c.Late|c.Reconnects|c.Unclean == 0
}
