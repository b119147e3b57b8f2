// tokio's echo of datagrams: one task for the socket, on one thread as the others are.
use std::env;
use tokio::net::UdpSocket;
use tokio::signal::unix::{signal, SignalKind};

fn parse_options() -> (String, u16) {
    let mut found = ("127.0.0.1".to_string(), 0);
    let mut words = env::args().skip(1);
    while let (Some(word), Some(value)) = (words.next(), words.next()) {
        match word.as_str() {
            "--host" => found.0 = value,
            "--port" => found.1 = value.parse().expect("--port wants a number"),
            _ => panic!("unknown option {word}"),
        }
    }
    found
}

async fn serve() -> std::io::Result<()> {
    let (host, port) = parse_options();
    let socket = UdpSocket::bind((host.as_str(), port)).await?;
    let mut stop = signal(SignalKind::terminate())?;
    println!("listening on udp://{}", socket.local_addr()?);
    tokio::spawn(async move {
        stop.recv().await;
        std::process::exit(0);
    });
    let mut buffer = vec![0; 2048];
    loop {
        if let Ok((size, from)) = socket.recv_from(&mut buffer).await {
            let _ = socket.send_to(&buffer[..size], from).await;
        }
    }
}

fn main() -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(serve())
}
