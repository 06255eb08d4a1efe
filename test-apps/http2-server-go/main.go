// main PORT: serves HTTP/2 in cleartext (golang.org/x/net); /seen answers with the traceparent it was sent.
//
// The answer to the request that asked for the upgrade waits for the client's settings: x/net 0.7 changes its
// encoder by them while that answer is being encoded, and some clients get a block that is no block.
package main

import (
	"fmt"
	"net/http"
	"os"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/h2c"
)

func main() {
	http.HandleFunc("/hello", func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "hello\n") })
	http.HandleFunc("/seen", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "" {
			time.Sleep(500 * time.Millisecond)
		}
		fmt.Fprintln(w, r.Header.Get("traceparent"))
	})
	handler := h2c.NewHandler(http.DefaultServeMux, &http2.Server{})
	if err := http.ListenAndServe("127.0.0.1:"+os.Args[1], handler); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
