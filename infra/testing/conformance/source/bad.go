package source

import (
	"fmt"

	"escala/infra/testing/conformance"
)

// ExitStatus is the exit status of a release that exits at once.
const ExitStatus = 23

// Bad makes a release with this defect of its program: one of the first four of
// conformance.Bads. A bad program listens where a worker should: on LISTEN
// (unix:, fd:, tcp:) or else on PORT, and on ADMIN_SOCKET if it is set.
func (c Clone) Bad(bad conformance.Bad) error {
	variant, ok := badPrograms()[bad]
	if !ok {
		return fmt.Errorf("no source code has the fault %q: it is a fault of the binary's file", bad)
	}
	return c.Change(variant.imports, variant.body)
}

// program is the code that a variant runs before main.
type program struct {
	imports []string
	body    string
}

func badPrograms() map[conformance.Bad]program {
	return map[conformance.Bad]program{
		conformance.ExitsAtOnce: {
			imports: []string{"fmt", "os"},
			body:    fmt.Sprintf("\tfmt.Fprintln(os.Stderr, \"cannot find the moon\")\n\tos.Exit(%d)", ExitStatus),
		},
		conformance.NeverReady: {
			imports: []string{"time"},
			body:    "\ttime.Sleep(time.Hour)",
		},
		conformance.Answers500: {
			imports: append([]string{}, listenImports...),
			body: listen + `
	serve(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
	}, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/ready" {
			w.WriteHeader(500)
		}
	})`,
		},
		conformance.HangsOnTerm: {
			imports: append([]string{"crypto/sha256", "encoding/hex", "io", "os/signal", "syscall"}, listenImports...),
			body: listen + `
	signal.Ignore(syscall.SIGTERM)
	self, err := os.Open("/proc/self/exe")
	if err != nil {
		panic(err)
	}
	hash := sha256.New()
	if _, err := io.Copy(hash, self); err != nil {
		panic(err)
	}
	release := hex.EncodeToString(hash.Sum(nil))
	good := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Release", release)
		// An answer that begins before the request is read is cut by some proxies.
		body, _ := io.ReadAll(r.Body)
		w.Write(body)
	}
	serve(good, good)`,
		},
	}
}

// listen opens a worker's sockets and defines serve, which serves on both until
// the process ends. Only "serve" is bad; a process that prints its release or
// is the primary of a cluster works normally.
const listen = `	if len(os.Args) < 2 || os.Args[1] != "serve" {
		return
	}
	open := func(address string) net.Listener {
		kind, rest, _ := strings.Cut(address, ":")
		var l net.Listener
		var err error
		switch kind {
		case "fd":
			number, _ := strconv.Atoi(rest)
			l, err = net.FileListener(os.NewFile(uintptr(number), "socket"))
		default:
			if kind == "unix" {
				os.Remove(rest)
			}
			l, err = net.Listen(kind, rest)
		}
		if err != nil {
			panic(err)
		}
		return l
	}
	serve := func(admin, own http.HandlerFunc) {
		if path := os.Getenv("ADMIN_SOCKET"); path != "" {
			go http.Serve(open("unix:"+path), admin)
		}
		address := os.Getenv("LISTEN")
		if address == "" {
			address = "tcp::" + os.Getenv("PORT")
		}
		http.Serve(open(address), own)
	}`

var listenImports = []string{"net", "net/http", "os", "strconv", "strings"}
