// tokio's echo server: one task for each connection, on one thread as the others are.
use std::env;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::signal::unix::{signal, SignalKind};

struct Options {
    host: String,
    port: u16,
    buffer: usize,
}

fn parse_options() -> Options {
    let mut found = Options { host: "127.0.0.1".into(), port: 0, buffer: 16 * 1024 };
    let mut words = env::args().skip(1);
    while let (Some(word), Some(value)) = (words.next(), words.next()) {
        match word.as_str() {
            "--host" => found.host = value,
            "--port" => found.port = value.parse().expect("--port wants a number"),
            "--buffer" => found.buffer = value.parse().expect("--buffer wants a number"),
            _ => panic!("unknown option {word}"),
        }
    }
    found
}

async fn echo(mut peer: TcpStream, buffer_bytes: usize) {
    let mut buffer = vec![0; buffer_bytes];
    while let Ok(size) = peer.read(&mut buffer).await {
        if size == 0 || peer.write_all(&buffer[..size]).await.is_err() {
            return;
        }
    }
}

async fn serve(chosen: Options) -> std::io::Result<()> {
    let listener = TcpListener::bind((chosen.host.as_str(), chosen.port)).await?;
    let mut stop = signal(SignalKind::terminate())?;
    println!("listening on tcp://{}", listener.local_addr()?);
    tokio::spawn(async move {
        stop.recv().await;
        std::process::exit(0);
    });
    loop {
        if let Ok((peer, _)) = listener.accept().await {
            let _ = peer.set_nodelay(true);
            tokio::spawn(echo(peer, chosen.buffer));
        }
    }
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(serve(parse_options()))
}
