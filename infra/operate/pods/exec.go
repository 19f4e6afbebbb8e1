package pods

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/coder/websocket"
	"golang.org/x/term"
	"k8s.io/client-go/rest"

	"escala/infra/deploy/kubeconfig"
	"escala/infra/operate"
)

// The protocol of exec by WebSocket, and its channels: each message begins with
// one of them (Kubernetes' apimachinery, pkg/util/remotecommand/constants.go).
const (
	protocol      = "v5.channel.k8s.io"
	channelIn     = 0
	channelOut    = 1
	channelErr    = 2
	channelStatus = 3
	channelSize   = 4
	channelClose  = 255
)

// messageLimit is larger than any message of the API server, in bytes.
const messageLimit = 1 << 20

// Exec runs a command in a pod's container. The error of a command that ends with a
// status is an operate.ExitError.
func (c *Cluster) Exec(ctx context.Context, r operate.ExecRequest) error {
	_, pods, err := c.pods(ctx)
	if err != nil {
		return err
	}
	p, err := find(pods, r.Instance)
	if err != nil {
		return err
	}
	command := r.Command
	if len(command) == 0 {
		command = []string{"sh"}
	}
	query := url.Values{
		"container": {p.container()}, "command": command,
		"stdin": {strconv.FormatBool(r.In != nil)}, "stdout": {"true"}, "stderr": {strconv.FormatBool(!r.Terminal)}, "tty": {strconv.FormatBool(r.Terminal)},
	}
	conn, err := c.dial(ctx, "/api/v1/namespaces/"+c.Namespace+"/pods/"+p.Metadata.Name+"/exec", query)
	if err != nil {
		return fmt.Errorf("running %s in pod %s: %w", command[0], p.Metadata.Name, err)
	}
	defer func() { _ = conn.CloseNow() }()
	if r.Terminal {
		// The pod's terminal echoes and edits, so this terminal passes each key on.
		terminal := int(r.In.Fd())
		before, err := term.MakeRaw(terminal)
		if err != nil {
			return fmt.Errorf("preparing the terminal: %w", err)
		}
		defer func() { _ = term.Restore(terminal, before) }()
	}
	err = exchange(ctx, conn, r)
	if err != nil && strings.Contains(err.Error(), "executable file not found") {
		return fmt.Errorf("pod %s has no %s: the image that escala builds has the service's binary alone and no shell (kubectl debug attaches a container with one): %w", p.Metadata.Name, command[0], err)
	}
	return err
}

// dial opens a WebSocket to the API server.
func (c *Cluster) dial(ctx context.Context, path string, query url.Values) (*websocket.Conn, error) {
	config := rest.CopyConfig(c.config)
	config.NextProtos = []string{"http/1.1"} // HTTP/2 has no Upgrade
	client, err := kubeconfig.HTTPClient(config)
	if err != nil {
		return nil, err
	}
	at := c.base.JoinPath(path)
	at.RawQuery = query.Encode()
	conn, resp, err := websocket.Dial(ctx, at.String(), &websocket.DialOptions{HTTPClient: client, Subprotocols: []string{protocol}}) //nolint:bodyclose // the package closes it, except of a refusal, which it has read
	if err != nil {
		if resp != nil && resp.Body != nil {
			said := struct{ Message string }{}
			content, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
			if json.Unmarshal(content, &said) == nil && said.Message != "" {
				return nil, &statusError{resp.StatusCode, operate.Visible(said.Message)}
			}
		}
		return nil, fmt.Errorf("asking the Kubernetes API: %w", err)
	}
	if conn.Subprotocol() != protocol {
		_ = conn.CloseNow()
		return nil, fmt.Errorf("the cluster does not know the protocol %s of Kubernetes 1.30 and later", protocol)
	}
	conn.SetReadLimit(messageLimit)
	return conn, nil
}

// exchange passes the streams on until the command has ended.
func exchange(ctx context.Context, conn *websocket.Conn, r operate.ExecRequest) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if r.In != nil {
		// A read from a terminal cannot be interrupted, so the function does not
		// wait for this.
		go send(ctx, conn, r.In)
	}
	if r.Sizes != nil {
		go resize(ctx, conn, r.Sizes)
	}
	for {
		_, message, err := conn.Read(ctx)
		if err != nil {
			return fmt.Errorf("the connection to the pod broke: %w", err)
		}
		if len(message) == 0 {
			continue
		}
		switch message[0] {
		case channelOut:
			_, err = r.Out.Write(message[1:])
		case channelErr:
			_, err = r.Err.Write(message[1:])
		case channelStatus:
			return ended(message[1:])
		}
		if err != nil {
			return err
		}
	}
}

// send passes the input on, and its end.
func send(ctx context.Context, conn *websocket.Conn, in io.Reader) {
	buffer := make([]byte, 32<<10)
	buffer[0] = channelIn
	for {
		n, err := in.Read(buffer[1:])
		if n > 0 && conn.Write(ctx, websocket.MessageBinary, buffer[:n+1]) != nil {
			return
		}
		if err != nil {
			_ = conn.Write(ctx, websocket.MessageBinary, []byte{channelClose, channelIn})
			return
		}
	}
}

func resize(ctx context.Context, conn *websocket.Conn, sizes <-chan operate.Size) {
	for {
		select {
		case size := <-sizes:
			content, err := json.Marshal(map[string]int{"Width": size.Columns, "Height": size.Rows})
			if err != nil || conn.Write(ctx, websocket.MessageBinary, append([]byte{channelSize}, content...)) != nil {
				return
			}
		case <-ctx.Done():
			return
		}
	}
}

// ended reads the status of a command: a metav1.Status.
func ended(content []byte) error {
	var status struct {
		Status, Message, Reason string
		Details                 struct {
			Causes []struct{ Reason, Message string }
		}
	}
	if err := json.Unmarshal(content, &status); err != nil {
		return fmt.Errorf("reading the command's status: %w", err)
	}
	if status.Status == "Success" {
		return nil
	}
	for _, cause := range status.Details.Causes {
		if n, err := strconv.Atoi(cause.Message); err == nil && cause.Reason == "ExitCode" {
			return &operate.ExitError{Status: n}
		}
	}
	return errors.New(operate.Visible(status.Message))
}
