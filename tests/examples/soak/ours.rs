//! A round between our two ends.

use std::time::Duration;

use fastrand::Rng;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use virt_remote::{ConnectGetHostname, RemoteServer, TestHypervisor};
use virt_tests::{ECHO, Echo, Follow, Later, Refuse, Return, Tell};
use virt_tokio::{Client, KeepAliveMode, Limits, Options, Server, ServerOptions};
use virt_transport::{CallProcedure, Fd, Handle};

/// The most that a quiet connection needs to become idle.
const PATIENCE: Duration = Duration::from_secs(20);

/// The counts of a transport that are 0 on an idle connection: calls that wait, open streams, queued bytes and descriptors.
type Counts = (usize, usize, usize, usize, usize);

pub(crate) async fn round(mut rng: Rng) -> usize {
    let (client, server, echo) = connect(&mut rng);
    client.open("test:///default").await.unwrap();
    client.listen(ECHO).await.unwrap();
    let mut events = client.events();
    let count = rng.usize(1..100);
    let mut actions = JoinSet::new();
    for _ in 0..count {
        actions.spawn(act(client.clone(), rng.fork()));
        if rng.u8(..) < 32 {
            // Some of the events are read, the others are dropped.
            let _ = timeout(Duration::from_micros(rng.u64(..500)), events.recv()).await;
        }
        if rng.u8(..) < 8 {
            tokio::task::yield_now().await;
        }
    }
    if rng.u8(..) < 64 {
        // The connection ends with all of them under way.
        match rng.u8(..3) {
            0 => drop(server.close().await),
            1 => drop(client.close().await),
            _ => drop(server),
        }
        while actions.join_next().await.is_some() {}
        client.closed().await;
        return count;
    }
    while !actions.is_empty() {
        answer(&server, &echo).await;
        while let Ok(Some(done)) = timeout(Duration::from_millis(1), actions.join_next()).await {
            done.unwrap();
        }
    }
    answer(&server, &echo).await;
    is_idle(&client, &server).await;
    if rng.bool() {
        client.close().await;
    } else {
        drop((client, events));
    }
    server.closed().await;
    count
}

fn connect(rng: &mut Rng) -> (Client, Server, Handle<Echo>) {
    let mut limits = Limits::default();
    limits.calls = rng.usize(1..8);
    limits.commands = rng.usize(1..40);
    limits.events = rng.usize(1..10);
    limits.stream_bytes = rng.usize(1..100_000);
    limits.queued_bytes = rng.usize(1..100_000);
    let keepalive = KeepAliveMode::Send {
        interval: Duration::from_millis(rng.u64(1..50)),
        count: 1000,
    };
    let options = Options::default().limits(limits).keepalive(keepalive);
    let serving = ServerOptions::default().limits(limits).keepalive(keepalive);
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (server, echo) = Server::over_unix(theirs, serving, |transport, control| {
        let (start, close) = (control.clone(), control.clone());
        let remote = RemoteServer::new(TestHypervisor::default())
            .on_keepalive(move || start.start_keepalive())
            .on_close(move || close.close());
        transport.register(remote)?;
        transport.register(Echo::default())
    })
    .unwrap();
    (Client::over_unix(ours, options), server, echo)
}

/// Does one thing, and may give it up.
async fn act(client: Client, mut rng: Rng) {
    let action = rng.u8(..9);
    let text = "x".repeat(rng.usize(..2000));
    let patience = if rng.u8(..) < 100 {
        Duration::from_micros(rng.u64(..2000))
    } else {
        PATIENCE
    };
    let fds = (0..rng.usize(..33)).map(|_| descriptor()).collect();
    // Each of these may fail, as the connection may end and calls are refused.
    let act = async {
        match action {
            0 => drop(client.call::<ConnectGetHostname>(&()).await),
            1 => drop(client.call::<Return>(&text.as_str()).await),
            2 => drop(client.call::<Refuse>(&text.as_str()).await),
            3 => drop(client.call::<Later>(&text.as_str()).await),
            4 => drop(client.call::<Tell>(&text.as_str()).await),
            5 => drop(client.ping().await),
            6 => drop(client.call_with_fds::<Return>(&"fds", fds).await),
            7 => drop(client.call_with_fds::<Refuse>(&"fds", fds).await),
            _ => drop(stream(&client, &mut rng).await),
        }
    };
    let _ = timeout(patience, act).await;
}

/// Sends pieces on a stream that come back, reads some, and finishes, aborts or drops it.
async fn stream(client: &Client, rng: &mut Rng) -> Result<(), virt_tokio::CallError> {
    let (_, mut stream) = client.call_with_stream::<Follow>(&"stream").await?;
    for _ in 0..rng.usize(..10) {
        if rng.bool() {
            stream.send(vec![7; rng.usize(1..5000)]).await?;
        } else {
            stream.send_hole(rng.u64(..1_000_000)).await?;
        }
        if rng.bool() {
            stream.recv().await?;
        }
    }
    match rng.u8(..3) {
        0 => stream.finish().await,
        1 => stream.abort().await,
        _ => Ok(()),
    }
}

fn descriptor() -> Fd {
    std::fs::File::open("/dev/null").unwrap().into()
}

/// Has the server answer the calls that it keeps.
async fn answer(server: &Server, echo: &Handle<Echo>) {
    let echo = echo.clone();
    let answered = server.with_transport(move |transport| {
        transport.with(&echo, |echo, cx| {
            while echo.waiting() > 0 {
                echo.answer(0, cx).unwrap();
            }
        });
    });
    answered.await.unwrap();
}

/// Waits until nothing is left on either end, and makes as many calls at once as there may be.
async fn is_idle(client: &Client, server: &Server) {
    let idle = async {
        loop {
            let ours: Counts = client.with_transport(counts).await.unwrap();
            let theirs: Counts = server.with_transport(counts).await.unwrap();
            if (ours, theirs) == Default::default() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    if timeout(PATIENCE, idle).await.is_err() {
        let ours = client.with_transport(counts).await;
        let theirs = server.with_transport(counts).await;
        panic!("left on our end {ours:?}, on the server's {theirs:?}");
    }
    let mut calls = JoinSet::new();
    for _ in 0..8 {
        let client = client.clone();
        calls.spawn(async move { client.call_raw(ECHO, Return::NUMBER, [0; 4]).await });
    }
    while let Some(call) = timeout(PATIENCE, calls.join_next())
        .await
        .expect("permits are left")
    {
        call.unwrap().unwrap();
    }
}

fn counts(transport: &mut virt_transport::Transport) -> Counts {
    (
        transport.waiting_calls(),
        transport.calls_in_work(),
        transport.open_streams(),
        transport.queued(),
        transport.queued_fds(),
    )
}
