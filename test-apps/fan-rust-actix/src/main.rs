//! actix-web and awc, 4 workers with an event loop each.
use actix_web::{get, web, App, HttpServer};
use std::{env, time::{Duration, SystemTime}};

fn dice(n: u64) -> u64 {
    let t = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    (t.subsec_nanos() as u64).wrapping_mul(0x9e3779b97f4a7c15) % n
}

#[get("/fan/{number}")]
async fn fan(number: web::Path<u64>, client: web::Data<awc::Client>) -> &'static str {
    let far = env::var("FAR").unwrap();
    for turn in 0..1 + dice(3) {
        tokio::time::sleep(Duration::from_millis(dice(6))).await;
        client.get(format!("{far}/call/{number}/{turn}")).send().await.unwrap().body().await.unwrap();
    }
    "near\n"
}

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    let port: u16 = env::args().nth(1).unwrap().parse().unwrap();
    HttpServer::new(|| App::new().app_data(web::Data::new(awc::Client::default())).service(fan))
        .workers(4)
        .backlog(1024)
        .bind(("127.0.0.1", port))?
        .run()
        .await
}
