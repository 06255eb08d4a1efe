//! A server on tokio alone, which asks itself: /own in the task that serves, /child in one that it waits for, /after in one that
//! nobody waits for, /blocking in a thread for what blocks, /end to be asked. /looks says what it sees of itself.
use std::{env, fs, io::{Read, Write}};
use tokio::{io::{AsyncReadExt, AsyncWriteExt}, net::{TcpListener, TcpStream}, task};

const HEAD: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ";

async fn ask(port: u16) {
    let mut far = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    far.write_all(b"GET /end HTTP/1.1\r\nHost: far\r\nConnection: close\r\n\r\n").await.unwrap();
    far.read_to_end(&mut Vec::new()).await.unwrap();
}

fn ask_blocking(port: u16) {
    let mut far = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
    far.write_all(b"GET /end HTTP/1.1\r\nHost: far\r\nConnection: close\r\n\r\n").unwrap();
    far.read_to_end(&mut Vec::new()).unwrap();
}

/// How each part of the program is mapped, and whether a task that panics is told apart.
async fn looks() -> String {
    let own = env::current_exe().unwrap();
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let rights: Vec<_> = maps.lines().filter(|l| l.ends_with(own.to_str().unwrap())).map(|l| l.split(' ').nth(1).unwrap()).collect();
    let failed = task::spawn(async { panic!("as it should") }).await.unwrap_err();
    let late = task::spawn(std::future::pending::<()>());
    late.abort();
    format!("{rights:?} {} {}\n", failed.is_panic(), late.await.unwrap_err().is_cancelled())
}

async fn serve(mut peer: TcpStream, port: u16) {
    let (mut head, mut piece) = (Vec::new(), [0; 1024]);
    while !head.windows(4).any(|w| w == b"\r\n\r\n") {
        match peer.read(&mut piece).await {
            Ok(n) if n > 0 => head.extend_from_slice(&piece[..n]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let mut body = String::from("near\n");
    match head.split(' ').nth(1).unwrap() {
        "/own" => ask(port).await,
        "/child" => task::spawn(ask(port)).await.unwrap(),
        "/blocking" => task::spawn_blocking(move || ask_blocking(port)).await.unwrap(),
        "/after" => {
            let (done, wait) = tokio::sync::oneshot::channel();
            task::spawn(async move {
                ask(port).await;
                done.send(()).unwrap();
            });
            wait.await.unwrap();
        }
        "/looks" => body = looks().await,
        _ => {}
    }
    let _ = peer.write_all(format!("{HEAD}{}\r\n\r\n{body}", body.len()).as_bytes()).await;
}

fn main() {
    let port: u16 = env::args().nth(1).unwrap().parse().unwrap();
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        loop {
            let (peer, _) = listener.accept().await.unwrap();
            task::spawn(serve(peer, port));
        }
    });
}
