//! main server PORT | client ADDRESS | web HTTP-VERSION client ADDRESS: test.Echo with tonic, as generated code has it, but
//! for its messages, which are plain bytes; see tests/grpc/run.py for what each method and each line of the client is. The
//! server speaks gRPC-Web, too. GRPC_PEER_TLS is as for the others, without gRPC-Web.
use bytes::{Buf, BufMut, Bytes};
use http::uri::PathAndQuery;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio_stream::{Stream, StreamExt};
use tonic::body::Body;
use tonic::client::Grpc as Client;
use tonic::codec::{Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic::codegen::Service;
use tonic::server::{ClientStreamingService, Grpc, NamedService, ServerStreamingService, StreamingService, UnaryService};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Server, ServerTlsConfig};
use tonic::{Code, Request, Response, Status, Streaming};
use tonic_web::{GrpcWebClientLayer, GrpcWebLayer};
use tower::util::BoxCloneSyncService;
use tower::{Layer, ServiceExt};

/// Messages as they are.
#[derive(Clone, Copy, Default)]
struct Plain;

impl Encoder for Plain {
    type Item = Bytes;
    type Error = Status;
    fn encode(&mut self, item: Bytes, to: &mut EncodeBuf<'_>) -> Result<(), Status> {
        to.put(item);
        Ok(())
    }
}

impl Decoder for Plain {
    type Item = Bytes;
    type Error = Status;
    fn decode(&mut self, from: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(from.copy_to_bytes(from.remaining())))
    }
}

impl Codec for Plain {
    type Encode = Bytes;
    type Decode = Bytes;
    type Encoder = Plain;
    type Decoder = Plain;
    fn encoder(&mut self) -> Plain {
        Plain
    }
    fn decoder(&mut self) -> Plain {
        Plain
    }
}

type Later<T> = Pin<Box<dyn Future<Output = T> + Send>>;
type Answers = Pin<Box<dyn Stream<Item = Result<Bytes, Status>> + Send>>;

// ---- server ----

#[derive(Clone)]
struct Echo;

#[derive(Clone, Copy)]
struct Method(&'static str);

fn traceparent(request: &Request<Bytes>) -> String {
    request.metadata().get("traceparent").map_or("none", |value| value.to_str().unwrap()).into()
}

/// What this handler was sent, and what that of another server was that it asks.
async fn through(request: Request<Bytes>) -> String {
    static OTHER: OnceCell<Channel> = OnceCell::const_new();
    let address = std::str::from_utf8(request.get_ref()).unwrap();
    let other = OTHER.get_or_init(|| grpc(address)).await;
    format!("{} {}", traceparent(&request), say(other, "Seen", None).await)
}

async fn unary(name: &str, request: Request<Bytes>) -> Result<Bytes, Status> {
    match name {
        "Seen" => Ok(traceparent(&request).into()),
        "Through" => Ok(through(request).await.into()),
        "Fail" => Err(Status::not_found("nothing here")),
        "Slow" => {
            tokio::time::sleep(Duration::from_secs(5)).await;
            Ok(request.into_inner())
        }
        _ => Ok(request.into_inner()),
    }
}

impl UnaryService<Bytes> for Method {
    type Response = Bytes;
    type Future = Later<Result<Response<Bytes>, Status>>;
    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let name = self.0;
        Box::pin(async move { unary(name, request).await.map(Response::new) })
    }
}

impl ClientStreamingService<Bytes> for Method {
    type Response = Bytes;
    type Future = Later<Result<Response<Bytes>, Status>>;
    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        Box::pin(async move {
            let mut messages = request.into_inner();
            let mut bytes = 0;
            while let Some(message) = messages.message().await? {
                bytes += message.len();
            }
            Ok(Response::new(Bytes::from(bytes.to_string())))
        })
    }
}

impl ServerStreamingService<Bytes> for Method {
    type Response = Bytes;
    type ResponseStream = Answers;
    type Future = Later<Result<Response<Answers>, Status>>;
    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        let count = std::str::from_utf8(request.get_ref()).unwrap().parse().unwrap();
        let answers = (0..count).map(|_: usize| Ok(Bytes::from_static(&[0; 100])));
        Box::pin(async move { Ok(Response::new(Box::pin(tokio_stream::iter(answers)) as Answers)) })
    }
}

impl StreamingService<Bytes> for Method {
    type Response = Bytes;
    type ResponseStream = Answers;
    type Future = Later<Result<Response<Answers>, Status>>;
    fn call(&mut self, request: Request<Streaming<Bytes>>) -> Self::Future {
        Box::pin(async move {
            let twice = Twice { messages: request.into_inner(), again: None };
            Ok(Response::new(Box::pin(twice) as Answers))
        })
    }
}

/// Each message, and each a second time.
struct Twice {
    messages: Streaming<Bytes>,
    again: Option<Bytes>,
}

impl Stream for Twice {
    type Item = Result<Bytes, Status>;
    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(message) = self.again.take() {
            return Poll::Ready(Some(Ok(message)));
        }
        let next = Pin::new(&mut self.messages).poll_next(context);
        if let Poll::Ready(Some(Ok(message))) = &next {
            self.again = Some(message.clone());
        }
        next
    }
}

impl Service<http::Request<Body>> for Echo {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Later<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        Box::pin(async move {
            let mut grpc = Grpc::new(Plain);
            let path = request.uri().path().to_owned();
            Ok(match path.strip_prefix("/test.Echo/").unwrap_or("") {
                "Say" => grpc.unary(Method("Say"), request).await,
                "Seen" => grpc.unary(Method("Seen"), request).await,
                "Through" => grpc.unary(Method("Through"), request).await,
                "Fail" => grpc.unary(Method("Fail"), request).await,
                "Slow" => grpc.unary(Method("Slow"), request).await,
                "Sum" => grpc.client_streaming(Method("Sum"), request).await,
                "Count" => grpc.server_streaming(Method("Count"), request).await,
                "Chat" => grpc.streaming(Method("Chat"), request).await,
                _ => Status::unimplemented("no such method").into_http(),
            })
        })
    }
}

impl NamedService for Echo {
    const NAME: &'static str = "test.Echo";
}

async fn serve(port: &str) {
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).unwrap();
    let address = format!("127.0.0.1:{port}").parse().unwrap();
    let mut server = Server::builder();
    if let Some(folder) = tls() {
        let identity = Identity::from_pem(pem(&folder, "cert.pem"), pem(&folder, "key.pem"));
        server = server.tls_config(ServerTlsConfig::new().identity(identity)).unwrap();
    }
    server
        .accept_http1(true)
        .layer(GrpcWebLayer::new())
        .add_service(Echo)
        .serve_with_shutdown(address, async move {
            term.recv().await;
        })
        .await
        .unwrap();
}

// ---- client ----

type Channel = BoxCloneSyncService<http::Request<Body>, http::Response<Body>, Status>;

/// The folder of key and certificates; in clear without one.
fn tls() -> Option<String> {
    std::env::var("GRPC_PEER_TLS").ok()
}

fn pem(folder: &str, name: &str) -> String {
    std::fs::read_to_string(format!("{folder}/{name}")).unwrap()
}

async fn grpc(address: &str) -> Channel {
    let scheme = if tls().is_some() { "https" } else { "http" };
    let mut endpoint = Endpoint::from_shared(format!("{scheme}://{address}")).unwrap();
    if let Some(folder) = tls() {
        let trusted = Certificate::from_pem(pem(&folder, "ca.pem"));
        endpoint = endpoint.tls_config(ClientTlsConfig::new().ca_certificate(trusted)).unwrap();
    }
    let channel = endpoint.connect().await.unwrap();
    BoxCloneSyncService::new(channel.map_err(|error| Status::from_error(Box::new(error))))
}

/// gRPC-Web over HTTP/1.1 or HTTP/2. It puts no origin before the path.
fn web(uri: String, http2: bool) -> Channel {
    let executor = hyper_util::rt::TokioExecutor::new();
    let client = hyper_util::client::legacy::Client::builder(executor).http2_only(http2).build_http();
    let service = GrpcWebClientLayer::new()
        .layer(client)
        .map_request(move |mut request: http::Request<Body>| {
            *request.uri_mut() = format!("{uri}{}", request.uri().path()).parse().unwrap();
            request
        })
        .map_response(|response| response.map(Body::new))
        .map_err(|error| Status::from_error(Box::new(error)));
    BoxCloneSyncService::new(service)
}

fn path(name: &str) -> PathAndQuery {
    PathAndQuery::try_from(format!("/test.Echo/{name}")).unwrap()
}

/// As the other clients spell it.
fn name_of(code: Code) -> String {
    match code {
        Code::Cancelled => "CANCELLED".into(),
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED".into(),
        Code::NotFound => "NOT_FOUND".into(),
        Code::Unimplemented => "UNIMPLEMENTED".into(),
        other => format!("{other:?}"),
    }
}

fn text(answer: Result<Response<Bytes>, Status>) -> String {
    match answer {
        Ok(response) => String::from_utf8(response.into_inner().to_vec()).unwrap(),
        Err(status) => name_of(status.code()),
    }
}

async fn say(channel: &Channel, name: &str, timeout: Option<Duration>) -> String {
    let mut client = Client::new(channel.clone());
    let mut request = Request::new(Bytes::from_static(b"hello"));
    if let Some(timeout) = timeout {
        request.set_timeout(timeout);
    }
    client.ready().await.unwrap();
    text(client.unary(request, path(name), Plain).await)
}

fn messages(bytes: usize) -> Request<impl Stream<Item = Bytes> + Send> {
    Request::new(tokio_stream::iter(std::iter::repeat(Bytes::from(vec![0; bytes])).take(50)))
}

/// "MESSAGES BYTES" of a stream of answers.
async fn total(answers: Result<Response<Streaming<Bytes>>, Status>) -> String {
    let mut stream = match answers {
        Ok(response) => response.into_inner(),
        Err(status) => return name_of(status.code()),
    };
    let (mut count, mut bytes) = (0, 0);
    loop {
        match stream.next().await {
            Some(Ok(message)) => {
                count += 1;
                bytes += message.len();
            }
            Some(Err(status)) => return name_of(status.code()),
            None => return format!("{count} {bytes}"),
        }
    }
}

async fn sum(channel: &Channel) -> String {
    let mut client = Client::new(channel.clone());
    client.ready().await.unwrap();
    text(client.client_streaming(messages(3000), path("Sum"), Plain).await)
}

async fn count(channel: &Channel) -> String {
    let mut client = Client::new(channel.clone());
    client.ready().await.unwrap();
    total(client.server_streaming(Request::new(Bytes::from_static(b"100")), path("Count"), Plain).await).await
}

async fn chat(channel: &Channel) -> String {
    let mut client = Client::new(channel.clone());
    client.ready().await.unwrap();
    total(client.streaming(messages(1000), path("Chat"), Plain).await).await
}

/// Dropping a call cancels it.
async fn cancel(channel: &Channel) -> String {
    let other = channel.clone();
    let call = tokio::spawn(async move { say(&other, "Slow", None).await });
    tokio::time::sleep(Duration::from_millis(200)).await;
    say(channel, "Say", None).await; // the server reads in order
    call.abort();
    let answer = call.await.unwrap_or("CANCELLED".into());
    tokio::time::sleep(Duration::from_millis(200)).await; // until the connection's task has said so
    answer
}

async fn many(channel: &Channel) -> String {
    let calls: Vec<_> = (0..50)
        .map(|_| {
            let channel = channel.clone();
            tokio::spawn(async move { say(&channel, "Seen", None).await })
        })
        .collect();
    let mut all = Vec::new();
    for call in calls {
        all.push(call.await.unwrap());
    }
    all.join(" ")
}

async fn ask(channel: &Channel, streams: bool) {
    println!("say {}", say(channel, "Say", None).await);
    println!("seen {}", say(channel, "Seen", None).await);
    println!("fail {}", say(channel, "Fail", None).await);
    println!("none {}", say(channel, "None", None).await);
    if streams {
        println!("sum {}", sum(channel).await);
    }
    println!("count {}", count(channel).await);
    if streams {
        println!("chat {}", chat(channel).await);
        println!("slow {}", say(channel, "Slow", Some(Duration::from_millis(500))).await);
    }
    println!("cancel {}", cancel(channel).await);
    println!("many {}", many(channel).await);
}

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    match arguments[1].as_str() {
        "server" => serve(&arguments[2]).await,
        "web" => ask(&web(format!("http://{}", arguments[4]), arguments[2] == "2"), false).await,
        _ => ask(&grpc(&arguments[2]).await, true).await,
    }
}
