//! axum and reqwest on tokio: a timer, one to three calls. The path says how they are made:
//! /fan: all but the first side by side in tasks of their own; /inline: the same in the handler itself;
//! /late: by tasks for all requests, which the first one starts;
//! /detached: all in tasks that nobody waits for, but for their messages.
use axum::{extract::{Path, State}, routing::get, Router};
use std::{env, sync::{Arc, OnceLock}, time::{Duration, SystemTime}};
use tokio::{runtime::Builder, sync::{mpsc, oneshot, Mutex}};

type Shared = State<(reqwest::Client, String)>;
type Message = (u64, u64, oneshot::Sender<()>);

fn dice(n: u64) -> u64 {
    let t = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    (t.subsec_nanos() as u64).wrapping_mul(0x9e3779b97f4a7c15) % n
}

async fn call(client: reqwest::Client, far: String, number: u64, turn: u64) {
    tokio::time::sleep(Duration::from_millis(dice(6))).await;
    ask(&client, &far, number, turn).await;
}

async fn ask(client: &reqwest::Client, far: &str, number: u64, turn: u64) {
    client.get(format!("{far}/call/{number}/{turn}")).send().await.unwrap().text().await.unwrap();
}

async fn fan(Path(number): Path<u64>, State((client, far)): Shared) -> &'static str {
    let calls = 1 + dice(3);
    call(client.clone(), far.clone(), number, 0).await;
    let rest: Vec<_> = (1..calls).map(|turn| tokio::spawn(call(client.clone(), far.clone(), number, turn))).collect();
    for task in rest {
        task.await.unwrap();
    }
    "near\n"
}

async fn inline(Path(number): Path<u64>, State((client, far)): Shared) -> &'static str {
    let make = |turn| call(client.clone(), far.clone(), number, turn);
    make(0).await;
    match dice(3) {
        0 => {}
        1 => make(1).await,
        _ => {
            tokio::join!(make(1), make(2));
        }
    }
    "near\n"
}

static WORKERS: OnceLock<mpsc::Sender<Message>> = OnceLock::new();

fn workers(client: reqwest::Client, far: String) -> mpsc::Sender<Message> {
    let (sender, receiver) = mpsc::channel(1000);
    let receiver: Arc<Mutex<mpsc::Receiver<Message>>> = Arc::new(Mutex::new(receiver));
    for _ in 0..4 {
        let (receiver, client, far) = (receiver.clone(), client.clone(), far.clone());
        tokio::spawn(async move {
            loop {
                let (number, turn, done) = receiver.lock().await.recv().await.unwrap();
                ask(&client, &far, number, turn).await;
                let _ = done.send(());
            }
        });
    }
    sender
}

async fn late(Path(number): Path<u64>, State((client, far)): Shared) -> &'static str {
    let workers = WORKERS.get_or_init(|| workers(client, far));
    for turn in 0..1 + dice(3) {
        let (done, wait) = oneshot::channel();
        workers.send((number, turn, done)).await.unwrap();
        wait.await.unwrap();
    }
    "near\n"
}

async fn detached(Path(number): Path<u64>, State((client, far)): Shared) -> &'static str {
    for turn in 0..1 + dice(3) {
        let (done, wait) = oneshot::channel();
        let (client, far) = (client.clone(), far.clone());
        tokio::spawn(async move {
            call(client, far, number, turn).await;
            let _ = done.send(());
        });
        wait.await.unwrap();
    }
    "near\n"
}

async fn serve(port: u16) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let app = Router::new()
        .route("/fan/:number", get(fan))
        .route("/inline/:number", get(inline))
        .route("/late/:number", get(late))
        .route("/detached/:number", get(detached))
        .with_state((client, env::var("FAR").unwrap()));
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    axum::serve(listener, app).await.unwrap();
}

fn main() {
    let port: u16 = env::args().nth(1).unwrap().parse().unwrap();
    let runtime = match env::args().nth(2).as_deref() {
        Some("current") => Builder::new_current_thread().enable_all().build(),
        _ => Builder::new_multi_thread().worker_threads(4).enable_all().build(),
    };
    runtime.unwrap().block_on(serve(port));
}
