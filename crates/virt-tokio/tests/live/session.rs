//! Sessions against scripted peers, on simulated time: what is lost with a connection, and what comes back.

use tokio::sync::mpsc;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, timeout};
use virt_remote::ConnectGetHostname;
use virt_testkit::peer::{Peer, soon};
use virt_testkit::words::{PING, PONG};
use virt_tokio::{
    CallError, Client, ConnectError, KeepAliveMode, Notice, Options, Session, SessionError,
    SessionOptions, SessionState, Subscription, SubscriptionError,
};

use crate::support::{
    Ask, Happen, SECOND, ask, ask_call, deregister, happens, number, refused, register, registered,
};

/// The scripted daemons that a session connects to, one after the other.
type Daemons = mpsc::UnboundedReceiver<Peer>;

/// A session, and its daemons. Once these are dropped, connecting is refused.
fn session(options: SessionOptions) -> (Session, Daemons) {
    let (peers, daemons) = mpsc::unbounded_channel();
    let connection = Options::default().keepalive(KeepAliveMode::Off);
    let session = Session::with_dial(options, move || {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let sent = peers.send(Peer(theirs));
        let connection = connection.clone();
        async move {
            sent.map_err(|_| ConnectError::Connect {
                address: "tcp:localhost:1".to_owned(),
                error: std::io::ErrorKind::ConnectionRefused.into(),
            })?;
            let client = Client::over_stream(ours, connection);
            client.open("test:///default").await?;
            Ok(client)
        }
    });
    (session, daemons)
}

/// Returns the next daemon, with an open connection; the next call has serial 3.
async fn opens(daemons: &mut Daemons) -> Peer {
    let mut peer = soon(daemons.recv()).await.unwrap();
    peer.opens_without_keepalive(0).await;
    peer
}

fn subscribe(
    session: &Session,
    object: u32,
) -> JoinHandle<Result<Subscription<Happen>, SubscriptionError>> {
    let session = session.clone();
    tokio::spawn(async move { session.subscribe::<Happen>(&object).await })
}

async fn is_quiet_and_open(peer: &mut Peer) {
    peer.says(PING).await;
    peer.hears(PONG).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_in_flight_fails_with_its_connection_and_is_not_repeated() {
    let (session, mut daemons) = session(SessionOptions::default());
    let mut peer = opens(&mut daemons).await;
    let client = soon(session.client()).await.unwrap();
    let call = ask(&client, 1);
    peer.hears(&ask_call(3, 1)).await;
    drop(peer);
    let error = soon(call).await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Closed(_)), "{error}");
    assert!(error.is_sent());
    let error = client.call::<Ask>(&1).await.unwrap_err();
    assert!(matches!(error, CallError::Closed(_)), "{error}");
    assert!(!error.is_sent());

    // It waits for the next connection, on which nothing is called by itself.
    let next = tokio::spawn({
        let session = session.clone();
        async move { session.client().await }
    });
    let mut peer = opens(&mut daemons).await;
    let client = soon(next).await.unwrap().unwrap();
    is_quiet_and_open(&mut peer).await;
    let call = ask(&client, 2);
    peer.hears(&ask_call(3, 2)).await;
    call.abort();
}

#[tokio::test(start_paused = true)]
async fn events_are_registered_again_before_anybody_hears_of_it() {
    let (session, mut daemons) = session(SessionOptions::default());
    let (seven, eight) = (subscribe(&session, 7), subscribe(&session, 8));
    let mut peer = opens(&mut daemons).await;
    peer.hears(&register(3, 7)).await;
    peer.hears(&register(4, 8)).await;
    peer.says(&registered(3, 1)).await;
    peer.says(&registered(4, 2)).await;
    let mut seven = soon(seven).await.unwrap().unwrap();
    let mut eight = soon(eight).await.unwrap().unwrap();
    peer.says(&happens(1, 10)).await;
    peer.says(&happens(2, 11)).await;
    drop(peer);

    let mut peer = opens(&mut daemons).await;
    peer.hears(&register(3, 7)).await;
    peer.hears(&register(4, 8)).await;
    // The ids are those of others now.
    peer.says(&registered(3, 2)).await;
    peer.says(&happens(2, 20)).await;
    peer.says(&happens(1, 21)).await;
    assert_eq!(number(&mut seven, 1).await, 10);
    assert!(timeout(SECOND, seven.recv()).await.is_err());
    assert!(timeout(SECOND, session.client()).await.is_err());
    peer.says(&registered(4, 1)).await;
    soon(session.client()).await.unwrap();
    assert_eq!(soon(seven.recv()).await.unwrap(), Notice::Resumed);
    assert_eq!(number(&mut seven, 2).await, 20);
    assert_eq!(number(&mut eight, 2).await, 11);
    assert_eq!(soon(eight.recv()).await.unwrap(), Notice::Resumed);
    assert_eq!(number(&mut eight, 1).await, 21);
}

#[tokio::test(start_paused = true)]
async fn subscriptions_come_and_go_while_the_connection_is_down_or_open() {
    let (session, mut daemons) = session(SessionOptions::default());
    let mut peer = opens(&mut daemons).await;
    soon(session.client()).await.unwrap();
    let seven = subscribe(&session, 7);
    peer.hears(&register(3, 7)).await;
    peer.says(&registered(3, 1)).await;
    let seven = soon(seven).await.unwrap().unwrap();
    // Its registration is under way when the connection is lost.
    let eight = subscribe(&session, 8);
    peer.hears(&register(4, 8)).await;
    drop(peer);
    let mut state = session.state();
    soon(state.wait_for(|state| matches!(state, SessionState::Down { .. })))
        .await
        .unwrap();
    drop(seven);
    let nine = subscribe(&session, 9);
    yield_now().await;
    let mut peer = opens(&mut daemons).await;
    peer.hears(&register(3, 8)).await;
    peer.hears(&register(4, 9)).await;
    peer.says(&registered(3, 1)).await;
    peer.says(&registered(4, 2)).await;
    let mut eight = soon(eight).await.unwrap().unwrap();
    let nine = soon(nine).await.unwrap().unwrap();
    peer.says(&happens(1, 5)).await;
    // Nothing was lost since it was registered.
    assert_eq!(number(&mut eight, 1).await, 5);
    drop(nine);
    peer.hears(&deregister(5, 2)).await;
}

#[tokio::test(start_paused = true)]
async fn an_event_that_is_refused_ends_its_readers_and_nobody_else() {
    let (session, mut daemons) = session(SessionOptions::default());
    let (seven, eight) = (subscribe(&session, 7), subscribe(&session, 8));
    let mut peer = opens(&mut daemons).await;
    peer.hears(&register(3, 7)).await;
    peer.hears(&register(4, 8)).await;
    peer.says(&registered(3, 1)).await;
    peer.says(&refused(4)).await;
    let mut seven = soon(seven).await.unwrap().unwrap();
    let error = soon(eight).await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "events are not registered: no");
    let nine = subscribe(&session, 9);
    peer.hears(&register(5, 9)).await;
    peer.says(&registered(5, 2)).await;
    let mut nine = soon(nine).await.unwrap().unwrap();
    drop(peer);

    let mut peer = opens(&mut daemons).await;
    peer.hears(&register(3, 7)).await;
    peer.hears(&register(4, 9)).await;
    peer.says(&refused(3)).await;
    peer.says(&registered(4, 2)).await;
    soon(session.client()).await.unwrap();
    assert_eq!(soon(nine.recv()).await.unwrap(), Notice::Resumed);
    assert_eq!(soon(seven.recv()).await.unwrap(), Notice::Resumed);
    let error = soon(seven.recv()).await.unwrap_err();
    assert!(matches!(error, SubscriptionError::Refused(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_daemon_that_does_not_register_is_left_at_the_time_limit() {
    let (session, mut daemons) = session(SessionOptions::default());
    let _seven = subscribe(&session, 7);
    yield_now().await;
    let mut peer = opens(&mut daemons).await;
    let start = Instant::now();
    peer.hears(&register(3, 7)).await;
    let mut state = session.state();
    let down = soon(state.wait_for(|state| matches!(state, SessionState::Down { .. })));
    let SessionState::Down { reason, .. } = down.await.unwrap().clone() else {
        unreachable!();
    };
    assert_eq!(reason.to_string(), "events were not registered within 30 s");
    // It was given 5 seconds to say goodbye.
    assert_eq!(start.elapsed(), 35 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn closing_during_a_delay_ends_it_at_once() {
    let options = SessionOptions::default()
        .first_delay(3600 * SECOND)
        .longest_delay(3600 * SECOND);
    let (session, daemons) = session(options);
    drop(daemons);
    let mut state = session.state();
    soon(state.wait_for(|state| matches!(state, SessionState::Down { attempt: 1, .. })))
        .await
        .unwrap();
    let waiting = subscribe(&session, 7);
    let client = tokio::spawn({
        let session = session.clone();
        async move { session.client().await }
    });
    yield_now().await;
    let start = Instant::now();
    assert!(matches!(session.close().await, SessionError::Closed));
    assert_eq!(start.elapsed(), std::time::Duration::ZERO);
    let error = soon(waiting).await.unwrap().unwrap_err();
    assert!(matches!(error, SubscriptionError::Ended(_)), "{error}");
    let error = soon(client).await.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "session closed");
    let late = soon(session.subscribe::<Happen>(&1)).await.unwrap_err();
    assert!(matches!(late, SubscriptionError::Ended(_)), "{late}");
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_with_goodbye_when_closed_or_dropped() {
    for is_dropped in [true, false] {
        let (session, mut daemons) = session(SessionOptions::default());
        let subscribing = subscribe(&session, 7);
        let mut peer = opens(&mut daemons).await;
        peer.hears(&register(3, 7)).await;
        peer.says(&registered(3, 1)).await;
        let mut events = soon(subscribing).await.unwrap().unwrap();
        let client = soon(session.client()).await.unwrap();
        let closing = tokio::spawn(async move {
            if is_dropped {
                drop(session);
            } else {
                session.close().await;
            }
        });
        peer.hears("0000001c 20008086 00000001 00000002 00000000 00000004 00000000")
            .await;
        peer.says("0000001c 20008086 00000001 00000002 00000001 00000004 00000000")
            .await;
        peer.hears_the_end().await;
        soon(closing).await.unwrap();
        let error = soon(events.recv()).await.unwrap_err();
        assert_eq!(error.to_string(), "session closed");
        let error = client.call::<ConnectGetHostname>(&()).await.unwrap_err();
        assert!(matches!(error, CallError::Closed(_)), "{error}");
        assert!(daemons.recv().await.is_none(), "no further attempt");
    }
}
