// Command plain is the baseline of the benchmarks: a net/http server without
// any additions.
package main

import (
	"io"
	"log"
	"net/http"
	"os"
)

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "hello from escala\n")
	})
	//nolint:gosec // without timeouts on purpose: this is the least that can be done
	log.Fatal(http.ListenAndServe(os.Getenv("ADDRESS"), nil))
}
