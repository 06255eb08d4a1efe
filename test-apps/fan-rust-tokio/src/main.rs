//! axum and reqwest on tokio, 4 threads: a timer, one to three calls, all but the first side by side.
use axum::{extract::{Path, State}, routing::get, Router};
use std::{env, time::{Duration, SystemTime}};

fn dice(n: u64) -> u64 {
    let t = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    (t.subsec_nanos() as u64).wrapping_mul(0x9e3779b97f4a7c15) % n
}

async fn call(client: reqwest::Client, far: String, number: u64, turn: u64) {
    tokio::time::sleep(Duration::from_millis(dice(6))).await;
    client.get(format!("{far}/call/{number}/{turn}")).send().await.unwrap().text().await.unwrap();
}

async fn fan(Path(number): Path<u64>, State((client, far)): State<(reqwest::Client, String)>) -> &'static str {
    let calls = 1 + dice(3);
    call(client.clone(), far.clone(), number, 0).await;
    let rest: Vec<_> = (1..calls).map(|turn| tokio::spawn(call(client.clone(), far.clone(), number, turn))).collect();
    for task in rest {
        task.await.unwrap();
    }
    "near\n"
}

#[tokio::main(flavor = "multi_thread", worker_threads = 4)]
async fn main() {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let app = Router::new().route("/fan/:number", get(fan)).with_state((client, env::var("FAR").unwrap()));
    let port: u16 = env::args().nth(1).unwrap().parse().unwrap();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    axum::serve(listener, app).await.unwrap();
}
