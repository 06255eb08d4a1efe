// main URL COUNT...: fetches it COUNT times at once, for each COUNT, each in a stream of one HTTP/2 connection in cleartext
// (golang.org/x/net).
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"

	"golang.org/x/net/http2"
)

func main() {
	transport := &http2.Transport{AllowHTTP: true, StrictMaxConcurrentStreams: true,
		DialTLS: func(network, address string, _ *tls.Config) (net.Conn, error) { return net.Dial(network, address) }}
	client := http.Client{Transport: transport}
	for _, argument := range os.Args[2:] {
		count, _ := strconv.Atoi(argument)
		texts := make([]string, count)
		var all sync.WaitGroup
		for i := range texts {
			all.Add(1)
			go func(i int) {
				defer all.Done()
				answer, err := client.Get(os.Args[1])
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				text, _ := io.ReadAll(answer.Body)
				answer.Body.Close()
				texts[i] = string(text)
			}(i)
		}
		all.Wait()
		for _, text := range texts {
			fmt.Print(text)
		}
	}
}
