//! Live connections: what `virt-tokio` takes beside a bare tokio socket.
//!
//! All of it runs in one thread, each end in a task of its own, over a pair of Unix sockets. Connections have
//! their keepalive running, so there is a timer beside the bare socket, too: with one the runtime looks at the
//! clock and asks the kernel for more at each of its turns.

use std::time::{Duration, Instant};

use criterion::{Bencher, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use virt_benches::samples;
use virt_tokio::{Client, KeepAliveMode, Limits, Options, Server, ServerOptions};

const FRAME: usize = 28;

/// An end that sends a PING and waits for its PONG.
trait RoundTrip: Send + 'static {
    fn round_trip(&mut self) -> impl Future<Output = ()> + Send;
}

/// A socket and nothing else.
struct Socket {
    socket: UnixStream,
    ping: Vec<u8>,
    pong: Vec<u8>,
}

/// The same, which reads with room for more than one frame, and so finds out at once that there is no more.
struct Roomy(Socket);

/// A task that owns a socket, and its user, who speaks to it through channels: what a connection has to be that
/// is used by many and answers whatever they do.
struct Task(mpsc::Sender<oneshot::Sender<()>>);

impl Socket {
    fn new(socket: UnixStream) -> Self {
        Self {
            socket,
            ping: samples::ping(),
            pong: samples::pong(),
        }
    }

    /// The same with a timer that runs in the runtime.
    fn beside_a_timer(socket: UnixStream) -> Self {
        tokio::spawn(sleep(Duration::from_secs(3600)));
        Self::new(socket)
    }
}

impl RoundTrip for Socket {
    async fn round_trip(&mut self) {
        self.socket.write_all(&self.ping).await.expect("a peer");
        let mut frame = [0; FRAME];
        self.socket.read_exact(&mut frame).await.expect("a peer");
        assert_eq!(frame, *self.pong);
    }
}

impl RoundTrip for Roomy {
    async fn round_trip(&mut self) {
        let Socket { socket, ping, pong } = &mut self.0;
        socket.write_all(ping).await.expect("a peer");
        let mut buffer = [0; 1024];
        let count = socket.read(&mut buffer).await.expect("a peer");
        assert_eq!(buffer[..count], **pong);
    }
}

impl RoundTrip for Task {
    async fn round_trip(&mut self) {
        let (done, wait) = oneshot::channel();
        self.0.send(done).await.expect("the task");
        wait.await.expect("the task");
    }
}

impl RoundTrip for Client {
    async fn round_trip(&mut self) {
        self.ping().await.expect("a peer");
    }
}

impl Task {
    fn new(mut socket: Socket) -> Self {
        let (sender, mut receiver) = mpsc::channel::<oneshot::Sender<()>>(32);
        tokio::spawn(async move {
            while let Some(done) = receiver.recv().await {
                socket.round_trip().await;
                done.send(()).expect("the user");
            }
        });
        Self(sender)
    }
}

/// Answers each PING, by hand.
fn answers(mut socket: UnixStream) {
    tokio::spawn(async move {
        let (ping, pong) = (samples::ping(), samples::pong());
        let mut frame = [0; FRAME];
        while socket.read_exact(&mut frame).await.is_ok() {
            assert_eq!(frame, *ping);
            socket.write_all(&pong).await.expect("a peer");
        }
    });
}

/// Answers each PING, as a daemon made with `virt-tokio`.
fn serves(socket: UnixStream) {
    let (keepalive, limits) = (KeepAliveMode::default(), Limits::default());
    let server = Server::over_unix(
        socket,
        ServerOptions::default().keepalive(keepalive).limits(limits),
        |_, control| {
            control.start_keepalive();
            Ok(())
        },
    );
    let (server, ()) = server.expect("no program");
    tokio::spawn(async move { server.closed().await });
}

/// A client as it is made with `virt-tokio`.
fn client(socket: UnixStream) -> Client {
    let client = Client::over_unix(socket, Options::default());
    client.start_keepalive();
    client
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_current_thread();
    builder.enable_all().build().expect("a runtime")
}

fn round_trips<T: RoundTrip>(b: &mut Bencher<'_>, end: fn(UnixStream) -> T, peer: fn(UnixStream)) {
    let runtime = runtime();
    let mut end = Some(runtime.block_on(async {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        peer(theirs);
        end(ours)
    }));
    b.iter_custom(|count| {
        let mut this = end.take().expect("it was given back");
        // In a task, and not in `block_on`, which is woken by a write to a descriptor.
        let run = async move {
            let start = Instant::now();
            for _ in 0..count {
                this.round_trip().await;
            }
            (start.elapsed(), this)
        };
        let run = runtime.block_on(async { tokio::spawn(run).await });
        let (time, this) = run.expect("it does not panic");
        end = Some(this);
        time
    });
}

/// One PING, and its PONG waited for.
fn round_trip(c: &mut Criterion) {
    let mut group = c.benchmark_group("round-trip");
    group.bench_function("no-timer", |b| round_trips(b, Socket::new, answers));
    group.bench_function("socket", |b| {
        round_trips(b, Socket::beside_a_timer, answers);
    });
    group.bench_function("roomy", |b| {
        round_trips(b, |socket| Roomy(Socket::beside_a_timer(socket)), answers);
    });
    group.bench_function("task", |b| {
        round_trips(
            b,
            |socket| Task::new(Socket::beside_a_timer(socket)),
            answers,
        );
    });
    group.bench_function("client", |b| round_trips(b, client, answers));
    group.bench_function("server", |b| round_trips(b, Socket::beside_a_timer, serves));
    group.bench_function("both", |b| round_trips(b, client, serves));
    group.finish();
}

/// Sends back what comes.
fn echoes(mut socket: UnixStream) {
    tokio::spawn(sleep(Duration::from_secs(3600)));
    tokio::spawn(async move {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = socket.read(&mut buffer).await {
            socket.write_all(&buffer[..count]).await.expect("a peer");
        }
    });
}

/// PINGs written in one go, and as many bytes read that answer them.
fn pipelined(c: &mut Criterion) {
    let mut group = c.benchmark_group("pipelined");
    for count in [1000, 10_000] {
        group.throughput(Throughput::Elements(count as u64));
        group.bench_function(BenchmarkId::new("echo", count), |b| {
            floods(b, count, echoes);
        });
        group.bench_function(BenchmarkId::new("server", count), |b| {
            floods(b, count, serves);
        });
    }
    group.finish();
}

fn floods(b: &mut Bencher<'_>, count: usize, peer: fn(UnixStream)) {
    let runtime = runtime();
    let mut end = Some(runtime.block_on(async {
        let (ours, theirs) = UnixStream::pair().expect("a pair of sockets");
        peer(theirs);
        ours
    }));
    b.iter_custom(|times| {
        let mut socket = end.take().expect("it was given back");
        let run = async move {
            let pings = samples::ping().repeat(count);
            let mut answers = vec![0; pings.len()];
            let start = Instant::now();
            for _ in 0..times {
                let (mut read, mut write) = socket.split();
                let (written, read) =
                    tokio::join!(write.write_all(&pings), read.read_exact(&mut answers));
                written.and(read).expect("a peer");
            }
            (start.elapsed(), socket)
        };
        let run = runtime.block_on(async { tokio::spawn(run).await });
        let (time, socket) = run.expect("it does not panic");
        end = Some(socket);
        time
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .sample_size(50)
        .nresamples(10_000)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_secs(1));
    targets = round_trip, pipelined
}
criterion_main!(benches);
