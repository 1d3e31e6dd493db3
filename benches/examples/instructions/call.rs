//! Calls over a live connection: `virt_tokio::Client` beside a bare stream and a bare task that owns one.
//!
//! Both ends run in one thread, and the peer is written by hand and the same for all. The count is of the whole
//! process: both ends and tokio, but not the kernel.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, duplex};
use tokio::net::UnixStream;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use virt_benches::floor::{call, frames};
use virt_remote::ConnectGetLibVersion;
use virt_tokio::{Client, KeepAliveMode, Options};

const LIB_VERSION: u64 = 9_000_000;

/// An end that makes a call and waits for its reply.
trait Call: Send + 'static {
    fn call(&mut self) -> impl Future<Output = u64> + Send;
}

impl Call for Client {
    async fn call(&mut self) -> u64 {
        let reply = Client::call::<ConnectGetLibVersion>(self, &()).await;
        reply.expect("a peer")
    }
}

/// A stream and nothing else.
struct Bare<S> {
    stream: S,
    serial: u32,
    out: Vec<u8>,
    buffer: Vec<u8>,
}

impl<S> Bare<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            serial: 0,
            out: Vec::new(),
            buffer: vec![0; 1024],
        }
    }
}

impl<S: Stream> Call for Bare<S> {
    async fn call(&mut self) -> u64 {
        self.serial += 1;
        self.out.clear();
        call::put_call(self.serial, &mut self.out);
        self.stream.write_all(&self.out).await.expect("a peer");
        let count = self.stream.read(&mut self.buffer).await.expect("a peer");
        let mut version = None;
        frames::walk(&self.buffer[..count], |header, payload| {
            version = call::version(&header, payload, self.serial);
        });
        version.expect("one reply, and it is whole")
    }
}

/// A task that owns a stream, and its user, who speaks to it through channels: the least that a connection of
/// many users needs.
struct Task(mpsc::Sender<oneshot::Sender<u64>>);

impl Task {
    fn new(mut bare: Bare<impl Stream>) -> Self {
        let (sender, mut receiver) = mpsc::channel::<oneshot::Sender<u64>>(32);
        tokio::spawn(async move {
            while let Some(done) = receiver.recv().await {
                done.send(bare.call().await).expect("the user");
            }
        });
        Self(sender)
    }
}

impl Call for Task {
    async fn call(&mut self) -> u64 {
        let (done, version) = oneshot::channel();
        self.0.send(done).await.expect("the task");
        version.await.expect("the task")
    }
}

/// A stream that an end or its peer can own.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for S {}

/// Runs `Client::call` over a pipe in memory.
pub(crate) fn client_in_memory(times: u64) {
    let client = |stream| started(Client::over_stream(stream, options()));
    calls(times, || duplex(4096), client);
}

/// Calls over the same pipe without a client: a bare stream.
pub(crate) fn bare_in_memory(times: u64) {
    calls(times, || duplex(4096), Bare::new);
}

/// Calls over the same pipe without a client: a task that owns its end.
pub(crate) fn task_in_memory(times: u64) {
    calls(
        times,
        || duplex(4096),
        |stream| Task::new(Bare::new(stream)),
    );
}

/// Runs `Client::call` over a pair of Unix sockets.
pub(crate) fn client_over_unix(times: u64) {
    let client = |socket| started(Client::over_unix(socket, options()));
    calls(times, sockets, client);
}

/// Calls over the same sockets without a client: a bare socket.
pub(crate) fn bare_over_unix(times: u64) {
    calls(times, sockets, Bare::new);
}

/// Calls over the same sockets without a client: a task that owns its end.
pub(crate) fn task_over_unix(times: u64) {
    calls(times, sockets, |socket| Task::new(Bare::new(socket)));
}

/// Options with a keepalive that runs, but whose first PING is an hour away.
fn options() -> Options {
    Options::default().keepalive(KeepAliveMode::Send {
        interval: Duration::from_secs(3600),
        count: 5,
    })
}

fn started(client: Client) -> Client {
    client.start_keepalive();
    client
}

fn sockets() -> (UnixStream, UnixStream) {
    UnixStream::pair().expect("a pair of sockets")
}

fn calls<S: Stream, C: Call>(times: u64, pair: impl FnOnce() -> (S, S), end: impl FnOnce(S) -> C) {
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let (ours, theirs) = pair();
        tokio::spawn(answer(theirs));
        let mut end = end(ours);
        // In a task, and not in `block_on`, which is woken by a write to a descriptor.
        let calls = tokio::spawn(async move {
            for _ in 0..times {
                assert_eq!(end.call().await, LIB_VERSION);
            }
        });
        calls.await.expect("each call is answered");
    });
}

/// Replies to each call, by hand.
async fn answer(mut stream: impl Stream) {
    let mut accumulator = frames::Accumulator::default();
    let mut buffer = [0; 1024];
    let mut out = Vec::new();
    while let Ok(count @ 1..) = stream.read(&mut buffer).await {
        accumulator.push(&buffer[..count], |header, _| {
            call::put_reply(&header, LIB_VERSION, &mut out);
        });
        if stream.write_all(&out).await.is_err() {
            break;
        }
        out.clear();
    }
}
