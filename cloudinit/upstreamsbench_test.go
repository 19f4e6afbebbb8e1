package cloudinit

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"escala/cloudinit/agent/host"
	"escala/service"
)

// nginxTicks returns the processor time of the Nginx processes of a machine's
// root, in clock ticks of 10 ms, and their resident memory in KiB.
func nginxTicks(b *testing.B, root string) (ticks, kib int) {
	b.Helper()
	out, err := exec.CommandContext(b.Context(), "pgrep", "--oldest", "--full", "nginx: master process nginx -c "+filepath.Join(root, "nginx.conf")).Output()
	require.NoError(b, err)
	workers, err := exec.CommandContext(b.Context(), "pgrep", "--parent", strings.TrimSpace(string(out))).Output()
	require.NoError(b, err)
	for _, pid := range strings.Fields(string(workers)) {
		stat, err := os.ReadFile("/proc/" + pid + "/stat")
		require.NoError(b, err)
		fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
		for _, i := range []int{11, 12} { // utime, stime
			n, err := strconv.Atoi(fields[i])
			require.NoError(b, err)
			ticks += n
		}
		n, err := strconv.Atoi(fields[21]) // rss, in pages
		require.NoError(b, err)
		kib += n * 4
	}
	return ticks, kib
}

// BenchmarkChoosingWorkers measures what the choice of the worker by Lua costs
// Nginx for each request, beside Nginx' own choice among the same two workers.
// Run it with -benchtime 20000x: processor time counts in steps of 10 ms.
func BenchmarkChoosingWorkers(b *testing.B) {
	for name, spec := range map[string]service.Spec{"lua": anyProgram(), "own": func() service.Spec {
		s := service.NewSpec()
		s.Workers.Mode = service.WorkersPorts
		return s
	}()} {
		b.Run(name, func(b *testing.B) {
			base := benchPorts(b)
			var lines strings.Builder
			for i := range 2 {
				fmt.Fprintf(&lines, "%d %d %s\n", base+i, i, strings.Repeat("a", 64))
			}
			spec.Workers.PortsBase = base
			m := nginxMachine(b, spec)
			require.NoError(b, os.WriteFile(m.Root+host.UpstreamsFile, []byte(lines.String()), 0o600))
			address, _ := runNginx(b, m)
			ask := func() {
				resp, err := http.Get("http://" + address + "/")
				require.NoError(b, err)
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				require.Equal(b, http.StatusOK, resp.StatusCode)
			}
			ask()
			before, _ := nginxTicks(b, m.Root)
			b.ResetTimer()
			for range b.N {
				ask()
			}
			after, kib := nginxTicks(b, m.Root)
			b.ReportMetric(float64(after-before)*10_000/float64(b.N), "nginx-cpu-µs/op")
			b.ReportMetric(float64(kib)/1024, "nginx-MiB")
		})
	}
}

// benchPorts serves hello on two neighbouring ports, and returns the first.
func benchPorts(b *testing.B) int {
	b.Helper()
	base := firstOfFree(b, 2)
	for i := range 2 {
		server := &http.Server{Addr: fmt.Sprintf("127.0.0.1:%d", base+i), Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "hello") })}
		go func() { _ = server.ListenAndServe() }()
		b.Cleanup(func() { _ = server.Close() })
	}
	return base
}
