// main FILE: reads a client's connection (golang.org/x/net) and prints each head: "head", then its fields, in their order.
package main

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

func main() {
	file, err := os.Open(os.Args[1])
	if err == nil {
		_, err = io.CopyN(io.Discard, file, int64(len(http2.ClientPreface)))
	}
	framer := http2.NewFramer(io.Discard, file)
	framer.ReadMetaHeaders = hpack.NewDecoder(65536, nil)
	for err == nil {
		var frame http2.Frame
		if frame, err = framer.ReadFrame(); err != nil {
			break
		}
		if head, ok := frame.(*http2.MetaHeadersFrame); ok {
			fmt.Println("head")
			for _, field := range head.Fields {
				fmt.Printf("%s: %s\n", field.Name, field.Value)
			}
		}
	}
	if err != io.EOF {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
