// Command escala-agent is the machine's own program.
//
//	escala-agent run              keep this machine on the wanted release, forever
//	escala-agent once             one round
//	escala-agent worker SLOT      replace this process by the worker in a supervisord slot
//	escala-agent command          run the release command that the agent has ordered
//	escala-agent stop-supervisor  end supervisord; ExecStop of its unit
//	escala-agent self-signed      make the certificate that Nginx starts with; ExecStartPre of its unit
//	escala-agent session-manager URL
//	                              install the agent of AWS Session Manager, if its signature is Amazon's
//	escala-agent process NAME NUMBER
//	                              replace this process by a process of the service beside its workers
//	escala-agent schedule NAME    replace this process by a run of a schedule, if one is due
//	escala-agent schedule-ended NAME
//	                              record how a run ended; ExecStopPost of its unit
//	escala-agent task NAME        run the command of a process or a schedule now, and show its output
//	escala-agent run-task NAME    replace this process by that command; for task
//	escala-agent status           print the machine's published status
//	escala-agent diagnose         explain why this machine does not serve
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"escala/cloudinit/agent/host"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, host.Root(os.Getenv("ESCALA_ROOT")), os.Args[1:])
	stop()
	var task host.ErrTask
	if errors.As(err, &task) {
		os.Exit(task.Status)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "escala-agent:", err)
		os.Exit(1)
	}
}

const usage = "usage: escala-agent run|once|worker SLOT|command|stop-supervisor|self-signed|session-manager URL|process NAME NUMBER|schedule NAME|schedule-ended NAME|task NAME|run-task NAME|status|diagnose"
