package pm2

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// firstAnswer returns the time from a worker's start to its first answer.
func firstAnswer(ctx context.Context, cmd *exec.Cmd, port int) (time.Duration, error) {
	began := time.Now()
	d, err := launch(cmd)
	if err != nil {
		return 0, err
	}
	defer d.end(syscall.SIGKILL, time.Second)
	if err := answers(ctx, local(port), 30*time.Second, 200*time.Microsecond); err != nil {
		return 0, err
	}
	return time.Since(began), nil
}

// measureStarts starts workers of both kinds in turn.
func measureStarts(ctx context.Context, o Options, app App, releases Releases) (Pair, error) {
	var escala, pm2 []float64
	for range o.Starts {
		port, err := freePorts(ctx, 1)
		if err != nil {
			return Pair{}, err
		}
		env := append(os.Environ(), "NODE_ENV=production", "HOST=127.0.0.1", "PORT="+strconv.Itoa(port), "LOG_LEVEL=error")
		cmd := exec.CommandContext(ctx, "node", filepath.Join(app.Folder, "dist", "main.js"))
		cmd.Dir, cmd.Env = app.Folder, env
		took, err := firstAnswer(ctx, cmd, port)
		if err != nil {
			return Pair{}, err
		}
		pm2 = append(pm2, milliseconds(took))
		cmd = exec.CommandContext(ctx, releases.Services[0].Path, "serve")
		cmd.Env = env
		if took, err = firstAnswer(ctx, cmd, port); err != nil {
			return Pair{}, err
		}
		escala = append(escala, milliseconds(took))
	}
	return Pair{Escala: median(escala), PM2: median(pm2)}, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
