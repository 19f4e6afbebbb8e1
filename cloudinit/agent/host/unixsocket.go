package host

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
)

// exchange sends one request on a Unix socket, on a connection of its own. The
// caller closes the answer's body. exchange follows no redirect. It starts no
// goroutines, as http.Transport does for each connection: these requests are most
// of what the agent of a machine at rest does.
func exchange(ctx context.Context, socket string, req *http.Request) (*http.Response, error) {
	return exchangeOn(ctx, "unix", socket, req)
}

// exchangeOn is exchange on another network.
func exchangeOn(ctx context.Context, network, address string, req *http.Request) (*http.Response, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	ended := context.AfterFunc(ctx, func() { _ = conn.Close() })
	req.Close = true
	err = req.Write(conn)
	var resp *http.Response
	if err == nil {
		resp, err = http.ReadResponse(bufio.NewReader(io.LimitReader(conn, exchangeLimit)), req)
	}
	if err != nil {
		ended()
		_ = conn.Close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	resp.Body = &answerBody{resp.Body, conn, ended}
	return resp, nil
}

// exchangeLimit limits the size of an answer with its header, in bytes: a faulty
// release could send one without an end.
const exchangeLimit = 4 << 20

// answerBody closes the connection with the body.
type answerBody struct {
	io.ReadCloser
	conn  net.Conn
	ended func() bool
}

func (b *answerBody) Close() error {
	b.ended()
	// The rest of the body is of no interest, and its Close would read it.
	return b.conn.Close()
}
