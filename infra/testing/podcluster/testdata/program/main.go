// Command program is the program in the tests' containers.
package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

func main() {
	switch os.Args[1] {
	case "exit": // CODE
		fmt.Println("ends with", os.Args[2])
		code, _ := strconv.Atoi(os.Args[2])
		os.Exit(code)
	case "eat":
		var all [][]byte
		for {
			piece := make([]byte, 1<<20)
			for i := range piece {
				piece[i] = 1
			}
			all = append(all, piece)
			time.Sleep(time.Millisecond)
			_ = all
		}
	case "get": // URL
		resp, err := http.Get(os.Args[2])
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		body, _ := io.ReadAll(resp.Body)
		fmt.Print(string(body))
	case "who":
		host, _ := os.Hostname()
		writable := os.WriteFile("/here", nil, 0o644) == nil
		temporary := os.WriteFile("/tmp/here", nil, 0o644) == nil
		fmt.Println(os.Getpid(), os.Getuid(), os.Getgid(), host == os.Getenv("NAME"), os.Getenv("IP") != "", os.Getenv("LIMIT"), os.Getenv("GREETING"), writable, temporary)
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		fmt.Println("hears nothing")
		time.Sleep(time.Hour)
	case "serve":
		var sick atomic.Bool
		http.HandleFunc("/sick", func(http.ResponseWriter, *http.Request) { sick.Store(true) })
		http.HandleFunc("/stopping", func(http.ResponseWriter, *http.Request) { fmt.Println("preStop") })
		http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
			if sick.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
			}
			fmt.Fprintln(w, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Host"))
		})
		signals := make(chan os.Signal, 1)
		signal.Notify(signals, syscall.SIGTERM)
		go func() {
			<-signals
			fmt.Println("SIGTERM")
			os.Exit(0)
		}()
		fmt.Println(http.ListenAndServe(":8080", nil))
	}
}
