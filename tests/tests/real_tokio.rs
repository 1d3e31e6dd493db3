//! Our live connections to a real daemon.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};
use virt_remote::constants::{DomainEventId, DomainEventType};
use virt_remote::{
    ConnectGetHostname, ConnectGetLibVersion, ConnectGetType, ConnectGetUri, ConnectGetVersion,
    Domain, DomainEventCallbackLifecycle, DomainLookupByName, DomainLookupByNameArgs, Feature,
    Remote,
};
use virt_testkit::Example;
use virt_tests::{Config, Daemon, libvirt, libvirt::PATIENCE};
use virt_tokio::{CallError, Client, CloseReason, KeepAliveMode, Limits, Options, connect};

const SECOND: Duration = Duration::from_secs(1);

/// Waits for something that comes.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future)
        .await
        .expect("it comes within patience")
}

fn every(interval: Duration, count: u32) -> Options {
    Options::default().keepalive(KeepAliveMode::Send { interval, count })
}

/// A daemon that sends PINGs after a second of silence, and closes two seconds later.
fn watchful() -> Config {
    Config::default()
        .number("keepalive_interval", 1)
        .number("keepalive_count", 2)
}

async fn hostname(client: &Client) -> Result<String, CallError> {
    Ok(client.call::<ConnectGetHostname>(&()).await?.hostname)
}

#[tokio::test]
async fn it_says_what_it_is_over_unix_and_over_tcp() {
    if !libvirt::available("a connection of ours to a real daemon") {
        return;
    }
    let daemon = Daemon::start(&watchful()).unwrap();
    for uri in [daemon.unix_uri(), daemon.tcp_uri()] {
        let client = soon(connect(&uri, every(SECOND, 1))).await.unwrap();
        let (host, name, version, lib_version, said) = soon(async {
            tokio::try_join!(
                hostname(&client),
                client.call::<ConnectGetType>(&()),
                client.call::<ConnectGetVersion>(&()),
                client.call::<ConnectGetLibVersion>(&()),
                client.call::<ConnectGetUri>(&()),
            )
        })
        .await
        .unwrap();
        assert_ne!(host, "");
        assert_eq!(name.r#type, "TEST");
        assert_eq!(version, 2);
        assert!(lib_version >= 1_000_000, "{lib_version:?}");
        assert_eq!(said.uri, "test:///default");
        assert!(soon(client.ping()).await.unwrap() < PATIENCE);
        let closed = soon(client.close()).await;
        assert_eq!(closed.to_string(), "connection closed: client");
    }
}

#[tokio::test]
async fn it_answers_the_daemons_pings_for_longer_than_the_silent_live() {
    if !libvirt::available("the PINGs of a real daemon") {
        return;
    }
    let daemon = Daemon::start(&watchful()).unwrap();
    for uri in [daemon.unix_uri(), daemon.tcp_uri()] {
        let options = Options::default().keepalive(KeepAliveMode::AnswerOnly);
        let client = soon(connect(&uri, options)).await.unwrap();
        let mut pings = client.pings();
        let mut answered = 0;
        // One a second; without an answer the third second is the last.
        while answered < 5 {
            answered += soon(pings.recv()).await.unwrap();
        }
        assert_ne!(soon(hostname(&client)).await.unwrap(), "");
        assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
    }
}

#[tokio::test]
async fn its_own_pings_are_answered_for_longer_than_the_silent_live() {
    if !libvirt::available("the PONGs of a real daemon") {
        return;
    }
    let daemon = Daemon::start(&watchful()).unwrap();
    for uri in [daemon.unix_uri(), daemon.tcp_uri()] {
        let client = soon(connect(&uri, every(SECOND, 1))).await.unwrap();
        let received = || client.with_transport(|transport| transport.counters().frames_received);
        let before = soon(received()).await.unwrap();
        // Two seconds are the end of who does not answer.
        sleep(5 * SECOND).await;
        let pongs = soon(received()).await.unwrap() - before;
        assert!(pongs >= 3, "{pongs} PONGs in five seconds");
        assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
    }
}

#[test]
fn the_example_connects_and_stays() {
    if !libvirt::available("the example of virt-tokio with a real daemon") {
        return;
    }
    let example = Example {
        package: "virt-tokio",
        name: "connect",
    };
    example.build();
    let daemon = Daemon::start(&watchful()).unwrap();
    for uri in [daemon.unix_uri(), daemon.tcp_uri()] {
        let output = example.run().arg(&uri).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let [connected, pong, closed] = text.lines().collect::<Vec<_>>().try_into().unwrap();
        assert!(connected.starts_with("test:///default on "), "{connected}");
        assert!(connected.ends_with(", version 0.0.2"), "{connected}");
        assert!(pong.starts_with("PONG after "), "{pong}");
        assert_eq!(closed, "connection closed: client");
    }
}

/// One of several questions, and whether the answer is the right one.
async fn ask(client: Client, question: usize, host: String) -> Result<bool, CallError> {
    Ok(match question % 6 {
        0 => hostname(&client).await? == host,
        1 => client.call::<ConnectGetUri>(&()).await?.uri == "test:///default",
        2 => client.call::<ConnectGetType>(&()).await?.r#type == "TEST",
        3 => client.connect_supports_feature(Feature::KEEPALIVE).await?,
        4 => client.domain_lookup_by_name("test").await?.name == "test",
        _ => {
            let args = DomainLookupByNameArgs { name: "nobody" };
            let error = client.call::<DomainLookupByName>(&args).await;
            matches!(error, Err(CallError::Reply(error)) if error.to_string().contains("not found"))
        }
    })
}

/// Suspends and resumes a domain so often.
async fn toggle(client: Client, dom: Domain, times: usize) -> Result<(), CallError> {
    for _ in 0..times {
        client.domain_suspend(&dom).await?;
        client.domain_resume(&dom).await?;
    }
    Ok(())
}

#[tokio::test]
async fn a_thousand_calls_at_once_get_their_replies_among_events_and_pings() {
    if !libvirt::available("a thousand calls of a real daemon") {
        return;
    }
    let daemon = Daemon::start(&watchful()).unwrap();
    // A daemon works on five calls of a client at once and reads nothing more meanwhile.
    for calls in [4, 1000] {
        let mut limits = Limits::default();
        limits.calls = calls;
        let options = every(SECOND, 5).limits(limits);
        let client = soon(connect(&daemon.unix_uri(), options)).await.unwrap();
        let host = soon(hostname(&client)).await.unwrap();
        let lookup = client.domain_lookup_by_name("test");
        let dom = soon(lookup).await.unwrap();
        let mut events = client.events();
        let lifecycle = DomainEventId::LIFECYCLE;
        soon(client.connect_domain_event_callback_register_any(lifecycle, None))
            .await
            .unwrap();

        let questions: Vec<JoinHandle<_>> = (0..1000)
            .map(|question| tokio::spawn(ask(client.clone(), question, host.clone())))
            .collect();
        let toggled = tokio::spawn(toggle(client.clone(), dom, 20));
        let pings = tokio::spawn({
            let client = client.clone();
            async move {
                for _ in 0..100 {
                    client.ping().await?;
                }
                Ok::<_, virt_tokio::Closed>(())
            }
        });

        // A third goes, wherever its calls are by then.
        let mut random = fastrand::Rng::with_seed(4);
        let mut cancelled = vec![false; 1000];
        let order = random.choose_multiple(0..1000, 333);
        for question in order {
            if random.u8(..) < 20 {
                sleep(Duration::from_millis(1)).await;
            }
            questions[question].abort();
            cancelled[question] = true;
        }
        for (question, cancelled) in questions.into_iter().zip(cancelled) {
            match soon(question).await {
                Ok(answer) => assert!(answer.unwrap(), "the answer to another question"),
                Err(_) => assert!(cancelled),
            }
        }
        soon(toggled).await.unwrap().unwrap();
        soon(pings).await.unwrap().unwrap();
        for expected in [DomainEventType::SUSPENDED, DomainEventType::RESUMED].repeat(20) {
            let event = soon(events.recv()).await.unwrap();
            let lifecycle = event
                .decode::<DomainEventCallbackLifecycle>()
                .unwrap()
                .unwrap();
            assert_eq!(lifecycle.msg.event, expected);
        }
        assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
    }
}

/// Begins so many calls.
fn begin(client: &Client, calls: usize) -> Vec<JoinHandle<Result<String, CallError>>> {
    (0..calls)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { hostname(&client).await })
        })
        .collect()
}

/// All of them have ended for this reason.
async fn end(calls: Vec<JoinHandle<Result<String, CallError>>>, reason: CloseReason) {
    for call in calls {
        match soon(call).await.unwrap() {
            Err(CallError::Closed(closed)) => assert_eq!(closed.reason(), reason),
            result => panic!("{result:?}"),
        }
    }
}

#[tokio::test]
async fn a_daemon_that_is_stopped_is_dead_after_its_pings() {
    if !libvirt::available("a real daemon that is stopped") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    for uri in [daemon.unix_uri(), daemon.tcp_uri()] {
        let client = soon(connect(&uri, every(SECOND, 2))).await.unwrap();
        let start = Instant::now();
        assert_ne!(soon(hostname(&client)).await.unwrap(), "");
        daemon.process().stop().unwrap();
        let calls = begin(&client, 20);
        let closed = soon(client.closed()).await;
        assert_eq!(closed.reason(), CloseReason::KeepAlive);
        assert!(start.elapsed() >= 3 * SECOND, "{:?}", start.elapsed());
        end(calls, CloseReason::KeepAlive).await;
        daemon.process().resume().unwrap();
    }
}

#[tokio::test]
async fn a_daemon_that_is_stopped_for_a_while_is_none_the_worse() {
    if !libvirt::available("a real daemon that is stopped for a while") {
        return;
    }
    let mut daemon = Daemon::start(&Config::default()).unwrap();
    let client = soon(connect(&daemon.unix_uri(), every(SECOND / 2, 10)))
        .await
        .unwrap();
    daemon.process().stop().unwrap();
    let calls = begin(&client, 20);
    // Some PINGs go unanswered.
    sleep(2 * SECOND).await;
    daemon.process().resume().unwrap();
    for call in calls {
        assert_ne!(soon(call).await.unwrap().unwrap(), "");
    }
    assert!(soon(client.ping()).await.is_ok());
    assert_eq!(soon(client.close()).await.reason(), CloseReason::Client);
}

#[tokio::test]
async fn a_daemon_that_is_killed_is_gone_at_once() {
    if !libvirt::available("a real daemon that is killed") {
        return;
    }
    for over_unix in [true, false] {
        let mut daemon = Daemon::start(&Config::default()).unwrap();
        let uri = if over_unix {
            daemon.unix_uri()
        } else {
            daemon.tcp_uri()
        };
        // It is not keepalive that finds out.
        let options = Options::default().keepalive(KeepAliveMode::AnswerOnly);
        let client = soon(connect(&uri, options)).await.unwrap();
        daemon.process().stop().unwrap();
        let calls = begin(&client, 20);
        daemon.process().kill().unwrap();
        let closed = soon(client.closed()).await;
        let reason = closed.reason();
        assert!(
            matches!(reason, CloseReason::EndOfFile | CloseReason::Error),
            "{closed}"
        );
        end(calls, reason).await;
    }
}

#[tokio::test]
async fn what_a_daemon_demands_and_refuses_is_said() {
    if !libvirt::available("what a real daemon demands") {
        return;
    }
    let daemon = Daemon::start(&Config::default().text("auth_tcp", "sasl")).unwrap();
    let error = soon(connect(&daemon.tcp_uri(), Options::default()))
        .await
        .unwrap_err();
    assert!(error.is_authentication(), "{error}");
    assert_eq!(
        error.to_string(),
        "cannot open the connection: daemon requires SASL authentication, which is not supported"
    );
    let uri = daemon.unix_uri().replace("///default", "///nowhere");
    let error = soon(connect(&uri, Options::default())).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cannot open the connection: CONNECT_OPEN: "),
        "{error}"
    );

    // Read only, it refuses what changes something.
    let options = Options::default().read_only(true);
    let client = soon(connect(&daemon.unix_uri(), options)).await.unwrap();
    let lookup = client.domain_lookup_by_name("test");
    let dom = soon(lookup).await.unwrap();
    let error = soon(toggle(client, dom, 1)).await.unwrap_err();
    assert!(error.to_string().contains("read only"), "{error}");
}
