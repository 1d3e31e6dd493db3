//! Our client, and a real daemon.

use std::time::Duration;

use virt_remote::{
    ConnectGetHostname, ConnectGetUri, ConnectGetVersion, ConnectSupportsFeature,
    DomainLookupByName, DomainLookupByNameArgs, Feature,
};
use virt_testkit::transport::null;
use virt_tests::{Config, Daemon, Place, Target, Trick, libvirt};
use virt_tokio::{CallError, Client, CloseReason, KeepAliveMode, connect};

use crate::clients::{self, options};
use crate::left::{Before, assert_closed, count_idle};
use crate::{HARMLESS, LENGTH, PROGRAM, Result, SERIAL, corruptions, faults};

/// On a Unix socket the first call has descriptors: with the opening's three frames it is number 3.
const WITH_DESCRIPTORS: usize = 3;

#[test]
fn our_client_tells_the_truth_of_a_real_daemon_behind_any_fault() -> Result {
    let before = Before::count()?;
    if !libvirt::available("our client and a real daemon behind a proxy that plays tricks") {
        return Ok(());
    }
    let config = Config::default()
        .number("keepalive_interval", -1)
        .number("max_anonymous_clients", 100);
    let mut daemon = Daemon::start(&config)?;
    let unix = &Target::Unix(daemon.socket());
    let tcp = &Target::Tcp(daemon.address());
    // What a daemon opens for its first client, it keeps: drivers, threads' wake-ups.
    clients::run(unix, &faults(&[Trick::Merge], &[(0, 0)], &[]), |client| {
        calls(client, 0)
    })?;
    clients::run(tcp, &faults(&[Trick::Merge], &[(0, 0)], &[]), |client| {
        calls(client, 0)
    })?;
    let held = count_idle(daemon.process(), &[unix, tcp])?;

    let tricks = [&HARMLESS[..], &[Trick::Cut, Trick::Stop]].concat();
    let up = [
        (0, Place::START),
        (0, Place::LENGTH),
        (0, Place::HEADER),
        (1, Place::PAYLOAD),
        (1, Place::END),
        (2, Place::PAYLOAD),
        (4, Place::START),
        (5, Place::LENGTH),
        (5, Place::HEADER),
        (6, Place::PAYLOAD),
    ];
    let down = [
        (0, Place::START),
        (0, Place::LENGTH),
        (0, Place::PAYLOAD),
        (1, Place::PAYLOAD),
        (2, Place::HEADER),
        (3, Place::START),
        (4, Place::LENGTH),
        (4, Place::HEADER),
        (5, Place::PAYLOAD),
        (6, Place::PAYLOAD),
    ];
    let mut all = faults(&tricks, &up, &down);
    all.extend(corruptions(&[LENGTH, PROGRAM, SERIAL], &[0, 2, 4]));
    clients::run(tcp, &all, |client| calls(client, 0))?;
    all.extend(faults(&tricks, &[(WITH_DESCRIPTORS, Place::END)], &[]));
    clients::run(unix, &all, |client| calls(client, 2))?;

    assert_closed(daemon.process(), held)?;
    drop(daemon);
    before.assert_nothing_left()
}

#[test]
fn our_client_bears_a_stopped_daemon_for_a_while_and_says_when_it_is_gone() -> Result {
    let before = Before::count()?;
    if !libvirt::available("our client and a daemon that is stopped and killed") {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut daemon = Daemon::start(&Config::default())?;
        for uri in [daemon.unix_uri(), daemon.tcp_uri()] {
            // It goes on before it is given up: the call that waited is answered.
            let patient = options().keepalive(KeepAliveMode::Send {
                interval: Duration::from_secs(1),
                count: 60,
            });
            let client = connect(&uri, patient).await?;
            daemon.process().stop()?;
            let (host, resumed) = tokio::join!(client.call::<ConnectGetHostname>(&()), async {
                let unanswered = tokio::time::timeout(Duration::from_secs(2), client.ping()).await;
                assert!(unanswered.is_err(), "it is stopped: {unanswered:?}");
                daemon.process().resume()
            });
            resumed?;
            assert!(!host?.hostname.is_empty());
            client.ping().await?;
            assert_eq!(client.close().await.reason(), CloseReason::Client);

            // It does not.
            let client = connect(&uri, options()).await?;
            daemon.process().stop()?;
            let error = client.call::<ConnectGetHostname>(&()).await.unwrap_err();
            assert!(
                matches!(&error, CallError::Closed(closed) if closed.reason() == CloseReason::KeepAlive),
                "{error}"
            );
            daemon.process().resume()?;
        }
        for tcp in [false, true] {
            let mut daemon = Daemon::start(&Config::default())?;
            let uri = if tcp { daemon.tcp_uri() } else { daemon.unix_uri() };
            let client = connect(&uri, options()).await?;
            client.ping().await?;
            // Stopped first, so that the call waits when it is killed.
            daemon.process().stop()?;
            let (call, killed) = tokio::join!(client.call::<ConnectGetHostname>(&()), async {
                daemon.process().kill()
            });
            killed?;
            assert!(call.is_err());
            let closed = client.closed().await;
            // A socket that was not read to its end is reset.
            let fits = [CloseReason::EndOfFile, CloseReason::Error];
            assert!(fits.contains(&closed.reason()), "{closed}");
        }
        Result::Ok(())
    })?;
    drop(runtime);
    before.assert_nothing_left()
}

/// Five calls at once, each with an answer that no other has.
async fn calls(client: Client, fds: usize) -> Vec<std::result::Result<(), CallError>> {
    let feature = Feature::KEEPALIVE;
    let name = DomainLookupByNameArgs { name: "test" };
    let fds = (0..fds).map(|_| null()).collect();
    let (supported, host, version, dom, uri) = tokio::join!(
        client.call_with_fds::<ConnectSupportsFeature>(&feature, fds),
        client.call::<ConnectGetHostname>(&()),
        client.call::<ConnectGetVersion>(&()),
        client.call::<DomainLookupByName>(&name),
        client.call::<ConnectGetUri>(&()),
    );
    vec![
        supported.map(|(ret, fds)| assert_eq!((ret, fds.len()), (true, 0))),
        host.map(|ret| assert!(!ret.hostname.is_empty() && !ret.hostname.contains(':'))),
        version.map(|ret| assert_eq!(ret, 2)),
        dom.map(|ret| assert_eq!((ret.name.as_str(), ret.id), ("test", 1))),
        uri.map(|ret| assert_eq!(ret.uri, "test:///default")),
    ]
}
