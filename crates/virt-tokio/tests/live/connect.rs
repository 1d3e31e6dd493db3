//! From a URI to an open connection, or to an error that says why not.
#![cfg(unix)]

use std::future::{Future, poll_fn};
use std::io;
use std::os::unix::net::UnixListener as StdListener;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::Command;
use std::task::Poll;

use tempfile::TempDir;
use tokio::net::{TcpListener, UnixListener, UnixSocket, UnixStream};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use virt_remote::{
    AuthType, ConnectGetHostname, ConnectGetLibVersion, ConnectGetType, ConnectGetUri,
    ConnectGetVersion, RemoteServer, TestHypervisor,
};
use virt_testkit::peer::{PATIENCE, Peer, soon};
use virt_tokio::{
    CallError, CloseReason, ConnectError, KeepAliveMode, Limits, Options, Server, ServerOptions,
    connect, dial,
};
use virt_uri::Candidate;

use crate::support::SECOND;

/// A directory of its own: a socket's path is at most 107 bytes long.
fn directory() -> TempDir {
    TempDir::with_prefix_in("virt-", "/tmp").unwrap()
}

fn uri(socket: &Path) -> String {
    format!("test+unix:///default?socket={}", socket.display())
}

/// Serves one client on a socket.
fn serve(socket: &Path, remote: RemoteServer) -> JoinHandle<CloseReason> {
    serve_next(UnixListener::bind(socket).unwrap(), remote)
}

/// Serves the next client of a listener.
fn serve_next(listener: UnixListener, remote: RemoteServer) -> JoinHandle<CloseReason> {
    tokio::spawn(async move {
        let (accepted, _) = listener.accept().await.unwrap();
        let limits = Limits::default();
        let server = Server::over_unix(
            accepted,
            ServerOptions::default()
                .keepalive(KeepAliveMode::Off)
                .limits(limits),
            |transport, control| {
                let close = control.clone();
                transport.register(remote.on_close(move || close.close()))
            },
        );
        server.unwrap().0.closed().await.reason()
    })
}

/// Connects to such a server.
async fn refused(remote: RemoteServer) -> ConnectError {
    let directory = directory();
    let socket = directory.path().join("sock");
    let server = serve(&socket, remote);
    let error = soon(connect(&uri(&socket), Options::default()))
        .await
        .unwrap_err();
    assert_eq!(
        soon(server).await.unwrap(),
        CloseReason::EndOfFile,
        "nothing is left open"
    );
    error
}

#[tokio::test]
async fn the_mock_hypervisor_needs_no_daemon() {
    let client = soon(connect("test:///default", Options::default()))
        .await
        .unwrap();
    let name = soon(client.call::<ConnectGetType>(&())).await.unwrap();
    let host = soon(client.call::<ConnectGetHostname>(&())).await.unwrap();
    let version = soon(client.call::<ConnectGetVersion>(&())).await.unwrap();
    let lib_version = soon(client.call::<ConnectGetLibVersion>(&()))
        .await
        .unwrap();
    let uri = soon(client.call::<ConnectGetUri>(&())).await.unwrap();
    assert_eq!(name.r#type, "TEST");
    assert_eq!(host.hostname, "localhost");
    assert_eq!(version, 2);
    assert_eq!(lib_version, 9_000_000);
    assert_eq!(uri.uri, "test:///default");
    assert!(soon(client.ping()).await.unwrap() < PATIENCE);
    assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
}

#[tokio::test(start_paused = true)]
async fn it_sends_pings_like_any_other() {
    let options = Options::default().keepalive(KeepAliveMode::AnswerOnly);
    let client = soon(connect("test:///default", options)).await.unwrap();
    let mut pings = client.pings();
    for _ in 0..10 {
        assert!(soon(pings.recv()).await.is_some(), "it has asked for them");
    }
    assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
}

#[tokio::test]
async fn a_uri_that_is_none_or_leads_nowhere_is_named() {
    for (uri, text) in [
        ("nonsense", "\"nonsense\" names no driver"),
        ("test+carrier-pigeon:///default", "carrier-pigeon"),
        ("test+unix://host/default", "host"),
        (
            "test+tls://host/default",
            "cannot connect to tls:host:16514: only unix, tcp and test:///default are supported",
        ),
        ("qemu+ssh://me@host/system", "cannot connect to ssh:"),
    ] {
        let error = soon(connect(uri, Options::default()))
            .await
            .unwrap_err()
            .to_string();
        assert!(error.contains(text), "{uri}: {error}");
        assert!(!error.contains('\n'));
    }
}

#[tokio::test]
async fn an_empty_uri_is_what_the_environment_says() {
    const INSIDE: &str = "VIRT_TOKIO_TEST_INSIDE";
    if std::env::var_os(INSIDE).is_some() {
        let client = soon(connect("", Options::default())).await.unwrap();
        let uri = soon(client.call::<ConnectGetUri>(&())).await.unwrap();
        assert_eq!(uri.uri, "test:///default");
        return;
    }
    // A process of its own, since the environment belongs to all of one.
    let output = Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "connect::an_empty_uri_is_what_the_environment_says",
        ])
        .env(INSIDE, "1")
        .env("LIBVIRT_DEFAULT_URI", "test:///default")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[tokio::test]
async fn nobody_there_is_an_error_of_one_line_that_names_the_place() {
    let directory = directory();
    let missing = directory.path().join("missing");
    let error = soon(connect(&uri(&missing), Options::default()))
        .await
        .unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(&format!(
            "cannot connect to unix:{}: No such file",
            missing.display()
        )),
        "{text}"
    );
    assert!(
        matches!(error, ConnectError::Connect { error, .. } if error.kind() == io::ErrorKind::NotFound)
    );

    // A socket that nobody listens on any more.
    let stale = directory.path().join("stale");
    drop(StdListener::bind(&stale).unwrap());
    let error = soon(connect(&uri(&stale), Options::default()))
        .await
        .unwrap_err();
    assert!(
        matches!(error, ConnectError::Connect { error, .. } if error.kind() == io::ErrorKind::ConnectionRefused)
    );

    // A place whose name would be two lines.
    let lines = format!(
        "test+unix:///default?socket={}/a%0Ab",
        directory.path().display()
    );
    let text = soon(connect(&lines, Options::default()))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with("cannot connect to unix:") && !text.contains('\n'),
        "{text}"
    );

    // A port that was free a moment ago.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let tcp = format!("test+tcp://{address}/default");
    let text = soon(connect(&tcp, Options::default()))
        .await
        .unwrap_err()
        .to_string();
    assert!(
        text.starts_with(&format!("cannot connect to tcp:{address}: ")),
        "{text}"
    );
}

/// A listener's name takes up the whole address, as that of libvirt's client does: zero bytes count.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn abstract_socket_is_padded_with_zero_bytes() {
    use std::os::linux::net::SocketAddrExt;
    use std::os::unix::net::SocketAddr;

    for name in [format!("virt-{}", std::process::id()), "\u{e8}".repeat(53)] {
        let mut padded = [0; 107];
        padded[..name.len()].copy_from_slice(name.as_bytes());
        let address = SocketAddr::from_abstract_name(padded).unwrap();
        let listener = StdListener::bind_addr(&address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = UnixListener::from_std(listener).unwrap();
        let server = serve_next(listener, RemoteServer::new(TestHypervisor::default()));

        let encoded = name.replace('\u{e8}', "%C3%A8");
        let uri = format!("test+unix:///default?socket=@{encoded}");
        let client = soon(connect(&uri, Options::default())).await.unwrap();
        assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
        assert_eq!(soon(server).await.unwrap(), CloseReason::Client);
    }

    let uri = "test+unix:///default?socket=@virt-missing";
    let error = soon(connect(uri, Options::default())).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("cannot connect to unix:@virt-missing: "),
        "{text}"
    );
}

#[tokio::test]
async fn the_first_candidate_that_answers_is_taken() {
    let directory = directory();
    let socket = directory.path().join("sock");
    let _listener = StdListener::bind(&socket).unwrap();
    let missing = Candidate::Unix(directory.path().join("missing"));
    let there = Candidate::Unix(socket);
    let candidates = [missing.clone(), there.clone(), missing.clone()];
    let (_client, taken) = soon(dial(&candidates, Options::default())).await.unwrap();
    assert_eq!(taken, there);

    let error = soon(dial(
        &[missing.clone(), missing.clone()],
        Options::default(),
    ))
    .await
    .unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with(&format!("cannot connect to {missing} or {missing}: ")),
        "{text}"
    );
}

#[tokio::test]
async fn authentication_that_cannot_be_had_names_what_is_offered() {
    let server = || RemoteServer::new(TestHypervisor::default());
    let error = refused(server().demand_auth([AuthType::SASL])).await;
    assert_eq!(
        error.to_string(),
        "cannot open the connection: daemon requires SASL authentication, which is not supported"
    );
    assert!(error.is_authentication());

    let error = refused(server().demand_auth([AuthType::SASL, AuthType::POLKIT])).await;
    assert_eq!(
        error.to_string(),
        "cannot open the connection: daemon requires SASL or polkit authentication: authentication failed: authentication failed"
    );
    assert!(error.is_authentication());
}

#[tokio::test]
async fn authentication_that_can_be_had_is_done() {
    let directory = directory();
    for (name, remote) in [
        ("none", RemoteServer::new(TestHypervisor::default())),
        (
            "either",
            RemoteServer::new(TestHypervisor::default())
                .demand_auth([AuthType::SASL, AuthType::POLKIT])
                .on_polkit(|| true),
        ),
    ] {
        let socket = directory.path().join(name);
        let server = serve(&socket, remote);
        let client = soon(connect(&uri(&socket), Options::default()))
            .await
            .unwrap();
        assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
        assert_eq!(soon(server).await.unwrap(), CloseReason::Client);
    }
}

#[tokio::test]
async fn a_hypervisor_that_is_not_there_is_the_daemons_answer() {
    let directory = directory();
    let socket = directory.path().join("sock");
    let _server = serve(&socket, RemoteServer::new(TestHypervisor::default()));
    let uri = format!("qemu+unix:///system?socket={}", socket.display());
    let error = soon(connect(&uri, Options::default())).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot open the connection: CONNECT_OPEN: no connection driver available for qemu:///system"
    );
}

#[tokio::test]
async fn a_name_of_nothing_is_the_daemons_choice() {
    let directory = directory();
    let socket = directory.path().join("sock");
    let _server = serve(&socket, RemoteServer::new(TestHypervisor::default()));
    let uri = format!("remote+unix:///?socket={}", socket.display());
    let client = soon(connect(&uri, Options::default())).await.unwrap();
    let uri = soon(client.call::<ConnectGetUri>(&())).await.unwrap().uri;
    assert_eq!(uri, "test:///default");
}

/// A listener that no more clients can wait for, and those who do. Linux alone says so to who does not block.
#[cfg(target_os = "linux")]
async fn full(socket: &Path) -> (UnixListener, Vec<UnixStream>) {
    let listener = UnixSocket::new_stream().unwrap();
    listener.bind(socket).unwrap();
    let listener = listener.listen(1).unwrap();
    let mut waiting = Vec::new();
    loop {
        match UnixStream::connect(socket).await {
            Ok(client) => waiting.push(client),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                return (listener, waiting);
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_queue_that_is_full_is_waited_for() {
    let directory = directory();
    let socket = directory.path().join("sock");
    let (listener, waiting) = full(&socket).await;
    let uri = uri(&socket);
    let mut connecting = pin!(connect(&uri, Options::default()));
    // The first try is over before anybody is accepted.
    poll_fn(|cx| {
        let tried = connecting.as_mut().poll(cx);
        assert!(tried.is_pending(), "{tried:?}");
        Poll::Ready(())
    })
    .await;
    for _ in &waiting {
        soon(listener.accept()).await.unwrap();
    }
    let server = serve_next(listener, RemoteServer::new(TestHypervisor::default()));
    let client = soon(connecting).await.unwrap();
    assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
    assert_eq!(soon(server).await.unwrap(), CloseReason::Client);
}

#[cfg(target_os = "linux")]
#[tokio::test(start_paused = true)]
async fn a_queue_that_stays_full_is_given_up_in_time() {
    let directory = directory();
    let socket = directory.path().join("sock");
    let _full = full(&socket).await;
    let start = Instant::now();
    let options = Options::default().connect_timeout(3 * SECOND);
    let error = soon(connect(&uri(&socket), options)).await.unwrap_err();
    assert_eq!(start.elapsed(), 3 * SECOND);
    assert!(matches!(error, ConnectError::Timeout { .. }), "{error}");
}

/// A socket whose client is to be spoken to word by word.
fn listen(directory: &TempDir) -> (PathBuf, UnixListener) {
    let socket = directory.path().join("sock");
    let listener = UnixListener::bind(&socket).unwrap();
    (socket, listener)
}

#[tokio::test]
async fn read_only_is_said_when_it_opens() {
    let directory = directory();
    let (socket, listener) = listen(&directory);
    let uri = uri(&socket);
    let options = Options::default()
        .read_only(true)
        .keepalive(KeepAliveMode::Off);
    let (client, ()) = tokio::join!(soon(connect(&uri, options)), async {
        let (accepted, _) = soon(listener.accept()).await.unwrap();
        let mut peer: Peer<UnixStream> = Peer(accepted);
        peer.opens_without_keepalive(1).await;
    });
    client.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_says_nothing_is_given_up_in_time() {
    let directory = directory();
    let (socket, listener) = listen(&directory);
    for (options, limit) in [
        (Options::default(), 30),
        (Options::default().connect_timeout(3 * SECOND), 3),
    ] {
        let start = Instant::now();
        let error = soon(connect(&uri(&socket), options)).await.unwrap_err();
        assert_eq!(start.elapsed(), limit * SECOND);
        assert_eq!(
            error.to_string(),
            format!(
                "connection to unix:{} was not open within {limit} s",
                socket.display()
            )
        );
        let (accepted, _) = listener.accept().await.unwrap();
        let mut peer = Peer(accepted);
        peer.hears("0000001c 20008086 00000001 00000042 00000000 00000001 00000000")
            .await;
        peer.hears_the_end().await;
    }
}

#[tokio::test]
async fn a_daemon_that_hangs_up_is_an_error_that_names_the_step() {
    let directory = directory();
    let (socket, listener) = listen(&directory);
    let uri = uri(&socket);
    let (result, ()) = tokio::join!(soon(connect(&uri, Options::default())), async {
        drop(soon(listener.accept()).await.unwrap());
    });
    match result.unwrap_err() {
        ConnectError::Step {
            step: "AUTH_LIST",
            error: CallError::Closed(_),
        } => (),
        error => panic!("{error:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn connecting_that_is_given_up_leaves_no_connection() {
    let directory = directory();
    let (socket, listener) = listen(&directory);
    assert!(
        timeout(SECOND, connect(&uri(&socket), Options::default()))
            .await
            .is_err()
    );
    let (accepted, _) = listener.accept().await.unwrap();
    let mut peer = Peer(accepted);
    peer.hears("0000001c 20008086 00000001 00000042 00000000 00000001 00000000")
        .await;
    peer.hears_the_end().await;
}
