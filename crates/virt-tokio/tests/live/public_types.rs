//! Properties of the public types that users may rely on.

use virt_remote::ConnectGetHostname;
use virt_tokio::{
    CallError, Client, CloseReason, Closed, ConnectError, Console, Control, Download, Event,
    EventError, Events, KeepAliveMode, Limits, Options, Pings, Server, Session, SessionState,
    Stream, StreamChunk, StreamSender, Subscription, SubscriptionError, Upload, connect,
};

use crate::support::{Ask, Happen};

fn assert_send<T: Send>() {}

fn assert_send_and_sync<T: Send + Sync + 'static>() {}

fn is_send<T: Send>(_: &T) {}

#[test]
fn everything_is_shared_between_threads() {
    assert_send_and_sync::<CallError>();
    assert_send_and_sync::<Client>();
    assert_send_and_sync::<Closed>();
    assert_send_and_sync::<CloseReason>();
    assert_send_and_sync::<ConnectError>();
    assert_send_and_sync::<Control>();
    assert_send_and_sync::<Event>();
    assert_send_and_sync::<EventError>();
    assert_send_and_sync::<Events>();
    assert_send_and_sync::<KeepAliveMode>();
    assert_send_and_sync::<Limits>();
    assert_send_and_sync::<Options>();
    assert_send_and_sync::<Pings>();
    assert_send_and_sync::<Server>();
    assert_send_and_sync::<Session>();
    assert_send_and_sync::<SessionState>();
    assert_send_and_sync::<Subscription<Happen>>();
    assert_send_and_sync::<SubscriptionError>();
    assert_send_and_sync::<Stream>();
    assert_send_and_sync::<StreamChunk>();
    assert_send_and_sync::<StreamSender>();
    assert_send::<Box<dyn std::error::Error + Send + Sync>>();
}

/// Compiled and never run: a future that cannot move to another thread cannot be spawned.
#[expect(dead_code, reason = "compiling it is the test")]
fn every_future_can_be_spawned(
    client: &Client,
    server: &Server,
    mut events: Events,
    mut pings: Pings,
    mut stream: Stream,
) {
    is_send(&connect("", Options::default()));
    is_send(&client.open(""));
    is_send(&client.advance(&mut client.opening("")));
    is_send(&client.wrap_stream(|stream| stream));
    is_send(&client.call::<ConnectGetHostname>(&()));
    is_send(&client.call_with_fds::<Ask>(&1, Vec::new()));
    is_send(&client.call_with_stream::<Ask>(&1));
    is_send(&client.ping());
    is_send(&client.listen(crate::support::OWN));
    is_send(&client.with_transport(|_| ()));
    is_send(&client.closed());
    is_send(&client.close());
    is_send(&server.with_transport(|_| ()));
    is_send(&server.closed());
    is_send(&server.close());
    is_send(&events.recv());
    is_send(&pings.recv());
    is_send(&stream.recv());
    is_send(&stream.send("abc"));
    is_send(&stream.send_hole(1));
    is_send(&stream.finish());
    is_send(&stream.abort());
    is_send(&client.with_timeout(None).call::<Ask>(&1));
}

/// The same for sessions and subscriptions.
#[expect(dead_code, reason = "compiling it is the test")]
fn every_subscription_can_be_spawned(
    client: &Client,
    session: &Session,
    mut events: Subscription<Happen>,
) {
    is_send(&client.subscribe::<Happen>(&1));
    is_send(&session.subscribe::<Happen>(&1));
    is_send(&session.client());
    is_send(&session.close());
    is_send(&events.recv());
}

/// The same for readers and writers.
#[expect(dead_code, reason = "compiling it is the test")]
fn every_reader_and_writer_can_be_spawned(
    mut download: Download,
    mut upload: Upload,
    console: Console,
) {
    is_send(&download.chunk());
    is_send(&upload.write_hole(1));
    is_send(&tokio::io::copy(&mut download, &mut upload));
    is_send(&console.into_split());
}

#[test]
fn handles_and_errors_are_small() {
    assert!(size_of::<Client>() <= 24, "{}", size_of::<Client>());
    assert!(size_of::<Closed>() <= 24);
    assert!(size_of::<CallError>() <= 64, "{}", size_of::<CallError>());
    assert!(
        size_of::<ConnectError>() <= 128,
        "{}",
        size_of::<ConnectError>()
    );
    assert!(
        size_of::<StreamChunk>() <= 48,
        "{}",
        size_of::<StreamChunk>()
    );
}
