package server

import "io"

// body marks a connection while a handler waits for the request's body, so
// that a drain can tell a silent client from a handler at work.
type body struct {
	io.ReadCloser
	conn *conn
}

// Read reads from the client.
func (b *body) Read(p []byte) (int, error) {
	if b.conn == nil {
		return b.ReadCloser.Read(p)
	}
	b.conn.readingBody.Store(true)
	n, err := b.ReadCloser.Read(p)
	b.conn.readingBody.Store(false)
	return n, err
}
