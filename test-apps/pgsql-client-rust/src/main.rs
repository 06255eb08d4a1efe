// PostgreSQL as Rust programs use it, with tokio-postgres: statements of which many are under way at once on one connection, a
// transaction, a COPY, a portal that is read in steps, several statements in one, an error. Usage: pgsql-client-rust URL
use bytes::Bytes;
use futures_util::{future, SinkExt};
use tokio_postgres::{Client, Error, NoTls};

async fn ask(client: &mut Client) -> Result<(), Error> {
    let insert = client.prepare("INSERT INTO orders (id, note) VALUES ($1, $2)").await?;
    let rows: Vec<i32> = (0..40).collect();
    let done = future::try_join_all(rows.iter().map(|id| {
        let (client, insert) = (&*client, &insert);
        async move { client.execute(insert, &[id, &"hunter2"]).await }
    })).await?;
    println!("{}", done.len());
    let found = future::try_join_all(rows.iter().map(|id| {
        let client = &*client;
        async move { client.query_opt("SELECT note FROM orders WHERE id = $1", &[id]).await }
    })).await?;
    println!("{}", found.iter().flatten().count());

    let change = client.transaction().await?;
    let portal = change.bind("SELECT id FROM orders", &[]).await?;
    let (mut steps, mut all) = (0, 0);
    loop {
        let rows = change.query_portal(&portal, 15).await?;
        steps += 1;
        all += rows.len();
        if rows.len() < 15 {
            break;
        }
    }
    println!("{steps} {all}");
    change.commit().await?;

    let mut sink = Box::pin(client.copy_in("COPY orders FROM STDIN").await?);
    sink.send(Bytes::from("100\thunter2\n101\thunter2\n")).await?;
    println!("{}", sink.as_mut().finish().await?);

    println!("{}", client.simple_query("SELECT 'hunter2'; SELECT 2").await?.len());
    match client.execute("INSERT INTO orders (id) VALUES ($1)", &[&1i32]).await {
        Ok(_) => println!("no error"),
        Err(error) => println!("{}", error.code().map_or("", |code| code.code())),
    }
    Ok(())
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<(), Error> {
    let url = std::env::args().nth(1).expect("a URL");
    let (mut client, connection) = tokio_postgres::connect(&url, NoTls).await?;
    let driver = tokio::spawn(connection);
    ask(&mut client).await?;
    drop(client);
    driver.await.expect("the connection's task")
}
