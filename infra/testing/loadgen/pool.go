package loadgen

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// pool holds the kept connections. They are used in turn, oldest first. So each
// idles between requests, as those of real clients do, and each notices when
// the service closes it.
type pool struct {
	target target
	idle   chan *connection
	kept   atomic.Int64 // idle or in use, to be returned
	size   int64
}

func newPool(where target, size int) *pool {
	return &pool{target: where, idle: make(chan *connection, size), size: int64(size)}
}

// errTooLate means that the generator had no time to send.
var errTooLate = errors.New("was not sent before its timeout: this machine is too busy")

// exchange sends one request over a kept or a new connection and returns its
// outcome. It sends the request at most once.
func (p *pool) exchange(ctx context.Context, template *requestTemplate, a arrival, deadline time.Time) (o outcome) {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()

	started := time.Now()
	defer func() { o.took = time.Since(started) }()
	o.started = started
	if !started.Before(deadline) {
		o.kind, o.err = Local, errTooLate
		return o
	}

	c, kept, err := p.take(ctx, a.keep, &o)
	if err != nil {
		o.fail(err)
		return o
	}
	if err := c.SetDeadline(deadline); err != nil {
		o.fail(err)
		p.drop(c, kept)
		return o
	}
	if c.exchange(template, a, &o) && kept {
		p.idle <- c // never blocks: there are at most size kept connections
		return o
	}
	p.drop(c, kept)
	return o
}

// take returns a connection that is open as far as is known. kept reports
// whether it returns to the pool; other connections are closed after use.
func (p *pool) take(ctx context.Context, keep bool, o *outcome) (c *connection, kept bool, err error) {
	if keep {
		if kept = p.join(); !kept {
			if c = p.takeIdle(o); c != nil {
				return c, true, nil
			}
			kept = p.join() // replaces one that was found closed
		}
	}
	o.opened = true
	conn, err := p.target.dial(ctx)
	if err != nil {
		if kept {
			p.kept.Add(-1)
		}
		return nil, false, err
	}
	return newConnection(conn), kept, nil
}

// join reserves a place among the kept connections, if one is free.
func (p *pool) join() bool {
	if p.kept.Add(1) <= p.size {
		return true
	}
	p.kept.Add(-1)
	return false
}

// takeIdle returns the kept connection that has idled longest, or nil if all
// are busy. It discards connections that the service closed while they idled:
// they carried no request, so no request failed.
func (p *pool) takeIdle(o *outcome) *connection {
	for {
		select {
		case c := <-p.idle:
			if !closedWhileIdle(c.Conn) {
				return c
			}
			o.idleClosed++
			p.drop(c, true)
		default:
			return nil
		}
	}
}

func (p *pool) drop(c *connection, kept bool) {
	c.end()
	if kept {
		p.kept.Add(-1)
	}
}

// close closes all idle connections.
func (p *pool) close() {
	for {
		select {
		case c := <-p.idle:
			p.drop(c, true)
		default:
			return
		}
	}
}
