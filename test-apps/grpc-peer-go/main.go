// main server PORT | client ADDRESS | web HTTP-VERSION client ADDRESS: test.Echo with connect-go, as generated code has
// it, but for its messages, which are plain bytes, or google.protobuf.BytesValue with GRPC_PEER_WRAPPED; see
// tests/grpc/run.py for what each method and each line of the client is, and for GRPC_PEER_TLS. The server speaks gRPC-Web,
// too. Go makes its system calls itself: it is a far side that the agent never sees.
package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"connectrpc.com/connect"
)

// Bytes is a message.
type Bytes struct{ b []byte }

// The one codec, by the name that all implementations take for granted.
type codec struct{}

const wrapper = 0x0a // the tag of the one field of a BytesValue

var wrapped = os.Getenv("GRPC_PEER_WRAPPED") != ""

func (codec) Name() string { return "proto" }

func (codec) Marshal(m any) ([]byte, error) {
	b := m.(*Bytes).b
	if wrapped {
		return append(binary.AppendUvarint([]byte{wrapper}, uint64(len(b))), b...), nil
	}
	return b, nil
}

func (codec) Unmarshal(b []byte, m any) error {
	if wrapped && len(b) > 0 {
		size, n := binary.Uvarint(b[1:])
		if b[0] != wrapper || n <= 0 || int(size) != len(b)-1-n {
			return errors.New("not a BytesValue")
		}
		b = b[1+n:]
	}
	m.(*Bytes).b = append([]byte(nil), b...)
	return nil
}

func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	return v
}

// ---- server ----

type request = connect.Request[Bytes]
type response = connect.Response[Bytes]

func answer(b []byte) (*response, error) { return connect.NewResponse(&Bytes{b}), nil }

func traceparent(r *request) string {
	if value := r.Header().Get("traceparent"); value != "" {
		return value
	}
	return "none"
}

func unary(mux *http.ServeMux, name string, work func(context.Context, *request) (*response, error)) {
	path := "/test.Echo/" + name
	mux.Handle(path, connect.NewUnaryHandler(path, work, connect.WithCodec(codec{})))
}

func slow(ctx context.Context, r *request) (*response, error) {
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(5 * time.Second):
		return answer(r.Msg.b)
	}
}

func sum(_ context.Context, stream *connect.ClientStream[Bytes]) (*response, error) {
	bytes := 0
	for stream.Receive() {
		bytes += len(stream.Msg().b)
	}
	if stream.Err() != nil {
		return nil, stream.Err()
	}
	return answer([]byte(strconv.Itoa(bytes)))
}

func count(_ context.Context, r *request, stream *connect.ServerStream[Bytes]) error {
	for i := must(strconv.Atoi(string(r.Msg.b))); i > 0; i-- {
		if err := stream.Send(&Bytes{make([]byte, 100)}); err != nil {
			return err
		}
	}
	return nil
}

func chat(_ context.Context, stream *connect.BidiStream[Bytes, Bytes]) error {
	for {
		m, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = errors.Join(stream.Send(m), stream.Send(m))
		}
		if err != nil {
			return err
		}
	}
}

// The folder of key and certificates; in clear without one.
var folder = os.Getenv("GRPC_PEER_TLS")

func protocols(all ...func(*http.Protocols, bool)) *http.Protocols {
	p := new(http.Protocols)
	for _, set := range all {
		set(p, true)
	}
	return p
}

var http1, http2, clear2 = (*http.Protocols).SetHTTP1, (*http.Protocols).SetHTTP2, (*http.Protocols).SetUnencryptedHTTP2

func serve(port string) {
	mux := http.NewServeMux()
	unary(mux, "Say", func(_ context.Context, r *request) (*response, error) { return answer(r.Msg.b) })
	unary(mux, "Seen", func(_ context.Context, r *request) (*response, error) { return answer([]byte(traceparent(r))) })
	unary(mux, "Fail", func(context.Context, *request) (*response, error) {
		return nil, connect.NewError(connect.CodeNotFound, errors.New("nothing here"))
	})
	unary(mux, "Slow", slow)
	raw := connect.WithCodec(codec{})
	mux.Handle("/test.Echo/Sum", connect.NewClientStreamHandler("/test.Echo/Sum", sum, raw))
	mux.Handle("/test.Echo/Count", connect.NewServerStreamHandler("/test.Echo/Count", count, raw))
	mux.Handle("/test.Echo/Chat", connect.NewBidiStreamHandler("/test.Echo/Chat", chat, raw))
	server := &http.Server{Addr: "127.0.0.1:" + port, Handler: mux, Protocols: protocols(http1, http2, clear2)}
	over := make(chan os.Signal, 1)
	signal.Notify(over, syscall.SIGTERM)
	go func() {
		<-over
		os.Exit(0)
	}()
	if folder != "" {
		must(0, server.ListenAndServeTLS(folder+"/cert.pem", folder+"/key.pem"))
	}
	must(0, server.ListenAndServe())
}

// ---- client ----

type peer struct {
	http *http.Client
	url  string
	form connect.ClientOption // gRPC or gRPC-Web
}

func (p *peer) method(name string) *connect.Client[Bytes, Bytes] {
	return connect.NewClient[Bytes, Bytes](p.http, p.url+"/test.Echo/"+name, connect.WithCodec(codec{}), p.form)
}

var names = map[connect.Code]string{connect.CodeCanceled: "CANCELLED", connect.CodeDeadlineExceeded: "DEADLINE_EXCEEDED",
	connect.CodeNotFound: "NOT_FOUND", connect.CodeUnimplemented: "UNIMPLEMENTED"}

func nameOf(err error) string {
	if name, known := names[connect.CodeOf(err)]; known {
		return name
	}
	return err.Error()
}

func (p *peer) unary(ctx context.Context, name string) string {
	r, err := p.method(name).CallUnary(ctx, connect.NewRequest(&Bytes{[]byte("hello")}))
	if err != nil {
		return nameOf(err)
	}
	return string(r.Msg.b)
}

func (p *peer) sum(ctx context.Context) string {
	stream := p.method("Sum").CallClientStream(ctx)
	for range 50 {
		must(0, stream.Send(&Bytes{make([]byte, 3000)}))
	}
	return string(must(stream.CloseAndReceive()).Msg.b)
}

func (p *peer) count(ctx context.Context) string {
	stream := must(p.method("Count").CallServerStream(ctx, connect.NewRequest(&Bytes{[]byte("100")})))
	messages, bytes := 0, 0
	for stream.Receive() {
		messages++
		bytes += len(stream.Msg().b)
	}
	must(0, stream.Err())
	return fmt.Sprint(messages, " ", bytes)
}

func (p *peer) chat(ctx context.Context) string {
	stream := p.method("Chat").CallBidiStream(ctx)
	go func() {
		for range 50 {
			must(0, stream.Send(&Bytes{make([]byte, 1000)}))
		}
		must(0, stream.CloseRequest())
	}()
	messages, bytes := 0, 0
	for {
		m, err := stream.Receive()
		if errors.Is(err, io.EOF) {
			return fmt.Sprint(messages, " ", bytes)
		}
		must(0, err)
		messages++
		bytes += len(m.b)
	}
}

func (p *peer) slow(ctx context.Context) string {
	ctx, over := context.WithTimeout(ctx, 500*time.Millisecond)
	defer over()
	return p.unary(ctx, "Slow")
}

func (p *peer) cancel(ctx context.Context) string {
	cancelled, cancel := context.WithCancel(ctx)
	said := make(chan string)
	go func() { said <- p.unary(cancelled, "Slow") }()
	time.Sleep(200 * time.Millisecond)
	p.unary(ctx, "Say") // the server reads in order
	cancel()
	name := <-said
	time.Sleep(200 * time.Millisecond) // until the connection has said so
	return name
}

func (p *peer) many(ctx context.Context) string {
	var group sync.WaitGroup
	all := make([]string, 50)
	for i := range all {
		group.Add(1)
		go func() {
			defer group.Done()
			all[i] = p.unary(ctx, "Seen")
		}()
	}
	group.Wait()
	return strings.Join(all, " ")
}

func (p *peer) ask(streams bool) {
	ctx := context.Background()
	fmt.Println("say", p.unary(ctx, "Say"))
	fmt.Println("seen", p.unary(ctx, "Seen"))
	fmt.Println("fail", p.unary(ctx, "Fail"))
	fmt.Println("none", p.unary(ctx, "None"))
	if streams {
		fmt.Println("sum", p.sum(ctx))
	}
	fmt.Println("count", p.count(ctx))
	if streams {
		fmt.Println("chat", p.chat(ctx))
		fmt.Println("slow", p.slow(ctx))
	}
	fmt.Println("cancel", p.cancel(ctx))
	fmt.Println("many", p.many(ctx))
}

func connectTo(address, version string, form connect.ClientOption) *peer {
	scheme, transport := "http", &http.Transport{Protocols: protocols(http1)}
	if version == "2" {
		transport.Protocols = protocols(http2, clear2)
	}
	if folder != "" {
		scheme = "https"
		trusted := x509.NewCertPool()
		trusted.AppendCertsFromPEM(must(os.ReadFile(folder + "/ca.pem")))
		transport.TLSClientConfig = &tls.Config{RootCAs: trusted}
		transport.Protocols.SetUnencryptedHTTP2(false)
	}
	return &peer{&http.Client{Transport: transport}, scheme + "://" + address, form}
}

func main() {
	switch os.Args[1] {
	case "server":
		serve(os.Args[2])
	case "web":
		connectTo(os.Args[4], os.Args[2], connect.WithGRPCWeb()).ask(false)
	default:
		connectTo(os.Args[2], "2", connect.WithGRPC()).ask(true)
	}
}
