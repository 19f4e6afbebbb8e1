package conformance

import "fmt"

// Bad is a way in which a release can be bad.
type Bad struct {
	// Name of the way.
	Name string
	// Reason is what a failed update must say of it.
	Reason string

	imports []string
	body    string
}

// exitStatus is as good as any.
const exitStatus = 23

// BadReleases are the ways that the local machine's preflight must see, before
// any worker runs the release.
func BadReleases() []Bad {
	return []Bad{
		{
			Name:    "exits at start",
			Reason:  fmt.Sprintf("exits at start with status %d", exitStatus),
			imports: []string{"fmt", "os"},
			body: fmt.Sprintf("\tfmt.Fprintln(os.Stderr, \"cannot find the moon\")\n\tos.Exit(%d)",
				exitStatus),
		},
		{
			Name:    "never ready",
			Reason:  "is not ready within",
			imports: []string{"time"},
			body:    "\ttime.Sleep(time.Hour)",
		},
		{
			Name:    "answers 500",
			Reason:  "answers 500, not 200",
			imports: []string{"net", "net/http", "os", "strings"},
			body: `	admin, err := net.Listen("unix", os.Getenv("ADMIN_SOCKET"))
	if err != nil {
		panic(err)
	}
	own, err := net.Listen("unix", strings.TrimPrefix(os.Getenv("LISTEN"), "unix:"))
	if err != nil {
		panic(err)
	}
	go http.Serve(admin, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(200) }))
	http.Serve(own, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(500) }))`,
		},
		{
			Name:    "does not end on SIGTERM",
			Reason:  "does not end within",
			imports: []string{"crypto/sha256", "encoding/hex", "io", "net", "net/http", "os", "os/signal", "strings", "syscall"},
			body: `	signal.Ignore(syscall.SIGTERM)
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, self); err != nil {
		panic(err)
	}
	release := hex.EncodeToString(hash.Sum(nil))
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Header().Set("X-Release", release) })
	admin, err := net.Listen("unix", os.Getenv("ADMIN_SOCKET"))
	if err != nil {
		panic(err)
	}
	own, err := net.Listen("unix", strings.TrimPrefix(os.Getenv("LISTEN"), "unix:"))
	if err != nil {
		panic(err)
	}
	go http.Serve(admin, answer)
	http.Serve(own, answer)`,
		},
	}
}

// Bad makes a release that is bad in that way.
func (c Clone) Bad(b Bad) error { return c.Change(b.imports, b.body) }
