// An HTTP/1.1 server on std::net with one thread per connection. /call fetches $BACKEND/hello over a
// connection of its own and answers with what it got.
use std::env;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

struct Message {
    start: String,
    body: Vec<u8>,
    close: bool,
}

fn read_message(input: &mut BufReader<TcpStream>) -> io::Result<Option<Message>> {
    let mut m = Message { start: String::new(), body: Vec::new(), close: false };
    let mut length = 0;
    if input.read_line(&mut m.start)? == 0 {
        return Ok(None);
    }
    loop {
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 || line == "\r\n" {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        if lower.starts_with("connection: close") {
            m.close = true;
        }
    }
    m.body.resize(length, 0);
    input.read_exact(&mut m.body)?;
    Ok(Some(m))
}

fn fetch(backend: &str, target: &str) -> io::Result<Vec<u8>> {
    let host = backend.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    write!(stream, "GET {target} HTTP/1.1\r\nHost: {host}\r\n\r\n")?;
    let answer = read_message(&mut BufReader::new(stream))?;
    Ok(answer.map(|m| m.body).unwrap_or_default())
}

fn serve(mut out: TcpStream, backend: &str) -> io::Result<()> {
    let mut input = BufReader::new(out.try_clone()?);
    while let Some(m) = read_message(&mut input)? {
        let mut words = m.start.split(' ');
        let method = words.next().unwrap_or("").to_string();
        let target = words.next().unwrap_or("").to_string();
        let (mut status, mut body) = (200, b"hello\n".to_vec());
        if let Some(code) = target.strip_prefix("/status/") {
            status = code.parse().unwrap_or(500);
            body.clear();
        } else if target.starts_with("/echo") {
            body = m.body;
        } else if let Some(rest) = target.strip_prefix("/call") {
            body = fetch(backend, &format!("/hello{rest}"))?;
        } else if !target.starts_with("/hello") {
            status = 404;
        }
        let mut answer = format!("HTTP/1.1 {status} Done\r\nContent-Length: {}\r\n\r\n", body.len()).into_bytes();
        if method != "HEAD" {
            answer.extend(body);
        }
        out.write_all(&answer)?;
        if m.close {
            break;
        }
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let port = env::args().nth(1).expect("a port");
    let backend = env::var("BACKEND").unwrap_or_default();
    for stream in TcpListener::bind(format!("127.0.0.1:{port}"))?.incoming() {
        let stream = stream?;
        let backend = backend.clone();
        thread::spawn(move || serve(stream, &backend));
    }
    Ok(())
}
