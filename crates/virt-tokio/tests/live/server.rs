//! The daemon's side.

use tokio::time::Instant;
use virt_remote::{ConnectClose, RemoteServer, TestHypervisor};
use virt_testkit::peer::{Peer, soon};
use virt_testkit::words::{PING, PONG};
use virt_tokio::{
    Client, CloseReason, Control, KeepAliveMode, Limits, Options, Server, ServerOptions,
};
use virt_transport::{
    Call, CallProcedure, Context, Handle, Program, ProgramId, RegisterError, RemoteError, Transport,
};

use crate::support::{OWN, SECOND, Tell, every, hostname};

/// Sends its argument, a text, back.
#[derive(Debug)]
struct Echo;

impl Program for Echo {
    fn id(&self) -> ProgramId {
        OWN
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let text: &str = call.payload.decode()?;
        Ok(cx.reply(call.id, &text)?)
    }
}

impl CallProcedure for Echo {
    const PROGRAM: ProgramId = OWN;
    const NUMBER: i32 = 1;
    const NAME: &'static str = "ECHO";
    type Args<'a> = &'a str;
    type Ret = String;
}

fn daemon(
    transport: &mut Transport,
    control: &Control,
) -> Result<Handle<RemoteServer>, RegisterError> {
    let (start, close) = (control.clone(), control.clone());
    let remote = RemoteServer::new(TestHypervisor::default())
        .on_keepalive(move || start.start_keepalive())
        .on_close(move || close.close());
    transport.register(remote)
}

fn served(keepalive: KeepAliveMode) -> (Server, Peer) {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let options = ServerOptions::default()
        .keepalive(keepalive)
        .open_timeout(None);
    let (server, _) = Server::over_stream(ours, options, daemon).unwrap();
    (server, Peer(theirs))
}

#[tokio::test(start_paused = true)]
async fn it_sends_pings_once_the_client_has_asked() {
    let keepalive = KeepAliveMode::Send {
        interval: SECOND,
        count: 2,
    };
    let (server, mut peer) = served(keepalive);
    peer.hears_nothing_for(50 * SECOND).await;
    peer.says(PING).await;
    peer.hears(PONG).await;

    let start = Instant::now();
    peer.says("00000020 20008086 00000001 0000003c 00000000 00000009 00000000 0000000a")
        .await;
    peer.hears("00000020 20008086 00000001 0000003c 00000001 00000009 00000000 00000001")
        .await;
    peer.hears(PING).await;
    assert_eq!(start.elapsed(), SECOND);
    peer.hears(PING).await;
    peer.hears_the_end().await;
    assert_eq!(start.elapsed(), 3 * SECOND);
    assert_eq!(soon(server.closed()).await.reason(), CloseReason::KeepAlive);
}

#[tokio::test(start_paused = true)]
async fn it_closes_when_it_was_said_goodbye() {
    let (server, mut peer) = served(KeepAliveMode::default());
    peer.says("0000001c 20008086 00000001 00000002 00000000 00000009 00000000")
        .await;
    peer.hears("0000001c 20008086 00000001 00000002 00000001 00000009 00000000")
        .await;
    peer.hears_the_end().await;
    assert_eq!(soon(server.closed()).await.reason(), CloseReason::Client);
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_its_handle_or_when_told_to() {
    let (server, mut peer) = served(KeepAliveMode::default());
    drop(server);
    peer.hears_the_end().await;
    let (server, mut peer) = served(KeepAliveMode::default());
    assert_eq!(soon(server.close()).await.reason(), CloseReason::Client);
    peer.hears_the_end().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_is_an_end_of_file() {
    let (server, peer) = served(KeepAliveMode::default());
    drop(peer);
    assert_eq!(soon(server.closed()).await.reason(), CloseReason::EndOfFile);
    let gone = soon(server.with_transport(|_| ())).await.unwrap_err();
    assert_eq!(gone.reason(), CloseReason::EndOfFile);
}

#[tokio::test(start_paused = true)]
async fn a_number_that_is_taken_is_no_server() {
    let (ours, _theirs) = tokio::io::duplex(64);
    let error = Server::over_stream(
        ours,
        ServerOptions::default().keepalive(KeepAliveMode::Off),
        |transport, _| transport.register(virt_keepalive::KeepAlive::new()),
    );
    let error = error.unwrap_err();
    assert_eq!(error.registered().number, 0x6b65_6570);
}

#[tokio::test(start_paused = true)]
async fn it_sends_events_through_the_handle_of_its_program() {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let (server, echo) = Server::over_stream(
        ours,
        ServerOptions::default().keepalive(KeepAliveMode::Off),
        |transport, _| transport.register(Echo),
    )
    .unwrap();
    let client = Client::over_stream(theirs, Options::default());
    let mut events = client.events();
    soon(client.listen(OWN)).await.unwrap();
    let sent =
        server.with_transport(move |transport| transport.with(&echo, |_, cx| cx.message(2, &7u32)));
    soon(sent).await.unwrap().unwrap();
    let event = soon(events.recv()).await.unwrap();
    assert_eq!(event.decode::<Tell>().unwrap(), Some(7));
}

#[tokio::test(start_paused = true)]
async fn our_two_ends_keep_each_other_alive() {
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let keepalive = KeepAliveMode::Send {
        interval: SECOND,
        count: 2,
    };
    let (server, _) = Server::over_stream(
        theirs,
        ServerOptions::default().keepalive(keepalive),
        daemon,
    )
    .unwrap();
    let client = Client::over_stream(ours, every(SECOND, 2));
    soon(client.open("test:///default")).await.unwrap();
    tokio::time::sleep(100 * SECOND).await;
    assert_eq!(soon(hostname(&client)).await.unwrap().unwrap(), "localhost");
    let (received, sent) = client
        .with_transport(|transport| {
            (
                transport.counters().frames_received,
                transport.counters().frames_sent,
            )
        })
        .await
        .unwrap();
    // Each has been silent for a second before every frame, and answers the other's PING.
    assert!(
        (100..=220).contains(&received),
        "{received} frames received"
    );
    assert!((100..=220).contains(&sent), "{sent} frames sent");
    soon(client.call::<ConnectClose>(&())).await.unwrap();
    assert_eq!(soon(server.closed()).await.reason(), CloseReason::Client);
}

#[tokio::test(start_paused = true)]
async fn ends_that_both_have_much_to_send_do_not_wait_for_each_other() {
    let (ours, theirs) = tokio::io::duplex(1024);
    let mut limits = Limits::default();
    limits.queued_bytes = 64 * 1024;
    limits.opening_frame_bytes = limits.frame_bytes;
    let (_server, _) = Server::over_stream(
        theirs,
        ServerOptions::default()
            .keepalive(KeepAliveMode::Off)
            .limits(limits),
        |transport, _| transport.register(Echo),
    )
    .unwrap();
    let client = Client::over_stream(ours, Options::default().limits(limits));
    let text = "x".repeat(1024 * 1024);
    let calls: Vec<_> = (0..8)
        .map(|_| {
            let (client, text) = (client.clone(), text.clone());
            tokio::spawn(async move { client.call::<Echo>(&text.as_str()).await })
        })
        .collect();
    for call in calls {
        assert_eq!(soon(call).await.unwrap().unwrap(), text);
    }
}
