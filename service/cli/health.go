package cli

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"escala/service/config"
	"escala/service/listen"
	"escala/service/status"
)

func healthCommand(p Process) *cobra.Command {
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask the worker with the same environment whether it is healthy (for HEALTHCHECK)",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := config.ReadWorker(p.Getenv)
			if err != nil {
				return err
			}
			ctx, cancel := context.WithTimeout(cmd.Context(), limit)
			defer cancel()
			return askHealth(ctx, c)
		},
	}
	cmd.Flags().DurationVar(&limit, "timeout", 2*time.Second, "how long to wait for the answer")
	return cmd
}

// askHealth requests the health path on the admin socket if there is one,
// otherwise on the worker's listener.
func askHealth(ctx context.Context, c config.Worker) error {
	socket := c.AdminSocket
	if socket == "" && c.Listen.Network == listen.Unix {
		socket = c.Listen.Path
	}
	if socket != "" {
		return status.Probe(ctx, socket, c.HealthPath)
	}
	if c.Listen.Network != listen.TCP {
		return fmt.Errorf("asking for health: the worker's socket (%s) is inherited and there is no ADMIN_SOCKET", c.Listen)
	}
	host := c.Listen.Host
	if ip := net.ParseIP(host); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	url := "http://" + net.JoinHostPort(host, strconv.Itoa(c.Listen.Port)) + c.HealthPath
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	// The client ignores the environment's proxy settings, because the worker
	// is on this machine.
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return fmt.Errorf("asking for health: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("asking for health: %s answered %s", url, res.Status)
	}
	return nil
}
