//! Ten thousand idle connections in one thread, on simulated time: each PING at its instant, and little memory.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use std::future::Future;
use std::time::Duration;

use allocation_counter::measure;
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use virt_benches::samples;
use virt_tokio::{Client, Closed, KeepAliveMode, Options, Server, ServerOptions};

const CONNECTIONS: usize = 10_000;
const INTERVAL: Duration = Duration::from_secs(1);
const KEEPALIVE: KeepAliveMode = KeepAliveMode::Send {
    interval: INTERVAL,
    count: 1,
};
const PINGS: usize = 3;

/// The limit of an idle connection's memory beyond its socket, in bytes.
const HELD_MAX: usize = 2 * 1024;

/// The number of connections started in each of the thousand milliseconds of an interval.
const AT_ONCE: usize = CONNECTIONS / 1000;

/// Notes when PINGs come, and answers them.
async fn peer(mut stream: DuplexStream) -> [Instant; PINGS] {
    // Whatever a pipe needs for a frame, it has from now on.
    let mut frame = [0; 28];
    stream.write_all(&samples::ping()).await.unwrap();
    stream.read_exact(&mut frame).await.unwrap();
    let mut heard = [Instant::now(); PINGS];
    for heard in &mut heard {
        stream.read_exact(&mut frame).await.unwrap();
        assert_eq!(frame, *samples::ping());
        *heard = Instant::now();
        stream.write_all(&samples::pong()).await.unwrap();
    }
    // Open until all is counted.
    sleep(10 * INTERVAL).await;
    heard
}

/// A pipe that has carried a frame in each direction, and the task at its other end.
async fn pipe() -> (DuplexStream, JoinHandle<[Instant; PINGS]>) {
    let (mut ours, theirs) = duplex(64);
    let peer = tokio::spawn(peer(theirs));
    ours.read_exact(&mut [0; 28]).await.unwrap();
    ours.write_all(&samples::pong()).await.unwrap();
    (ours, peer)
}

fn on_time_and_small<T, F: Future<Output = Closed>>(
    start: impl Fn(DuplexStream) -> T,
    closed: impl Fn(T) -> F,
) {
    let runtime = runtime();
    let (mut pipes, mut peers) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        for _ in 0..CONNECTIONS {
            let (pipe, peer) = pipe().await;
            pipes.push(pipe);
            peers.push(peer);
        }
    });
    let mut connections = Vec::with_capacity(CONNECTIONS);
    let mut starts = Vec::with_capacity(CONNECTIONS);
    let held = measure(|| {
        runtime.block_on(async {
            for (number, pipe) in pipes.drain(..).enumerate() {
                if number % AT_ONCE == 0 {
                    sleep(Duration::from_millis(1)).await;
                }
                connections.push(start(pipe));
                starts.push(Instant::now());
            }
            // The last one's last PONG has come, and there are some hundred milliseconds to its next PING.
            sleep(INTERVAL * 7 / 2).await;
        });
    });
    runtime.block_on(async {
        for connection in connections {
            let closed = timeout(Duration::ZERO, closed(connection)).await;
            assert!(closed.is_err(), "{closed:?}");
        }
        for (peer, start) in peers.into_iter().zip(starts) {
            let heard = peer.await.unwrap();
            assert_eq!(heard, [1, 2, 3].map(|number| start + number * INTERVAL));
        }
    });
    let held = usize::try_from(held.bytes_current).unwrap();
    let each = held.div_ceil(CONNECTIONS);
    println!("{each} bytes each");
    assert!(each <= HELD_MAX, "{each} bytes each");
}

#[test]
fn what_was_busy_holds_as_little_as_before() {
    const CONNECTIONS: usize = 100;
    let runtime = runtime();
    let pings = samples::ping().repeat(1000);
    let mut answers = vec![0; pings.len()];
    let mut pipes = Vec::with_capacity(CONNECTIONS);
    runtime.block_on(async {
        for _ in 0..CONNECTIONS {
            let (mut ours, mut theirs) = duplex(pings.len());
            // Whatever the pipe needs, it has from now on.
            theirs.write_all(&pings).await.unwrap();
            ours.read_exact(&mut answers).await.unwrap();
            ours.write_all(&pings).await.unwrap();
            theirs.read_exact(&mut answers).await.unwrap();
            pipes.push((Some(ours), theirs));
        }
    });
    let mut connections = Vec::with_capacity(CONNECTIONS);
    let held = measure(|| {
        runtime.block_on(async {
            for (ours, theirs) in &mut pipes {
                connections.push(serve(ours.take().unwrap()));
                theirs.write_all(&pings).await.unwrap();
                theirs.read_exact(&mut answers).await.unwrap();
                assert_eq!(answers, samples::pong().repeat(1000));
            }
            sleep(INTERVAL / 2).await;
        });
    });
    let held = usize::try_from(held.bytes_current).unwrap();
    let each = held.div_ceil(CONNECTIONS);
    assert!(each <= HELD_MAX, "{each} bytes each");
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    let builder = builder.enable_time().start_paused(true);
    builder.build().unwrap()
}

fn serve(stream: DuplexStream) -> Server {
    let server = Server::over_stream(
        stream,
        ServerOptions::default().keepalive(KEEPALIVE),
        |_, control| {
            control.start_keepalive();
            Ok(())
        },
    );
    server.unwrap().0
}

#[test]
fn ten_thousand_clients_ping_on_time_and_hold_little() {
    let start = |stream| {
        let client = Client::over_stream(stream, Options::default().keepalive(KEEPALIVE));
        client.start_keepalive();
        client
    };
    on_time_and_small(start, |client| async move { client.closed().await });
}

#[test]
fn ten_thousand_servers_ping_on_time_and_hold_little() {
    on_time_and_small(serve, |server| async move { server.closed().await });
}
