//! Subscriptions to events of a real daemon: ten thousand domains, and a fleet of daemons.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::thread;

use tokio::time::timeout;
use virt_remote::constants::{DomainCreateFlags, DomainEventType};
use virt_remote::{DomainEventCallbackLifecycle, Remote};
use virt_testkit::Example;
use virt_tests::{Config, Daemon, libvirt, libvirt::PATIENCE, virsh};
use virt_tokio::{Client, Notice, Options, Subscription, connect};

const DOMAINS: usize = 10_000;

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future)
        .await
        .expect("it comes within patience")
}

/// Creates a domain that exists while it runs, and destroys it.
async fn create_and_destroy(client: &Client, name: &str) {
    let xml = format!(
        "<domain type='test'><name>{name}</name><memory>1024</memory><os><type>hvm</type></os></domain>"
    );
    let created = client.domain_create_xml(&xml, DomainCreateFlags::default());
    let domain = soon(created).await.unwrap();
    let destroyed = client.domain_destroy(&domain);
    soon(destroyed).await.unwrap();
}

async fn lifecycle(
    events: &mut Subscription<DomainEventCallbackLifecycle>,
) -> Notice<(String, DomainEventType)> {
    match soon(events.recv()).await.unwrap() {
        Notice::Event(event) => Notice::Event((event.msg.dom.name, event.msg.event)),
        Notice::Lost(lost) => Notice::Lost(lost),
        Notice::Resumed => Notice::Resumed,
    }
}

#[tokio::test]
async fn of_ten_thousand_domains_no_event_is_missing_or_double() {
    if !libvirt::available("events of ten thousand domains of a real daemon") {
        return;
    }
    let daemon = Daemon::start(&Config::default()).unwrap();
    let client = soon(connect(&daemon.unix_uri(), Options::default()))
        .await
        .unwrap();
    let subscribe = || client.subscribe::<DomainEventCallbackLifecycle>(&None);
    let mut fast = soon(subscribe()).await.unwrap();
    let mut slow = soon(subscribe()).await.unwrap();
    let mut dropped = Some(soon(subscribe()).await.unwrap());
    let reading = tokio::spawn(async move {
        let mut heard: HashMap<String, Vec<DomainEventType>> = HashMap::new();
        let mut total = 0;
        loop {
            let Notice::Event((name, event)) = lifecycle(&mut fast).await else {
                panic!("a reader that keeps up has lost events");
            };
            if name == "last" {
                return (heard, total);
            }
            total += 1;
            heard.entry(name).or_default().push(event);
        }
    });
    for number in 0..DOMAINS {
        create_and_destroy(&client, &format!("domain-{number}")).await;
        if let Some(events) = dropped.take_if(|_| number == DOMAINS / 2) {
            drop(events);
        }
    }
    create_and_destroy(&client, "last").await;
    let (heard, total) = reading.await.unwrap();
    assert_eq!(heard.len(), DOMAINS);
    for (name, events) in heard {
        assert_eq!(
            events,
            [DomainEventType::STARTED, DomainEventType::STOPPED],
            "{name}"
        );
    }

    // The slow one knows of each.
    let Notice::Lost(lost) = lifecycle(&mut slow).await else {
        panic!("nothing is lost");
    };
    let mut kept = 0;
    loop {
        match lifecycle(&mut slow).await {
            Notice::Event((name, _)) if name == "last" => break,
            Notice::Event(_) => kept += 1,
            notice => panic!("{notice:?}"),
        }
    }
    assert_eq!(lost + kept, total);
    // It has 1024 events, of which one or two are of the last domain.
    assert!((1022..=1023).contains(&kept), "{kept}");
}

/// A child that ends with its test.
struct Kill(Child);

impl Drop for Kill {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn the_fleet_is_watched_across_restarts() {
    if !libvirt::available("the example that watches a fleet of real daemons") {
        return;
    }
    let example = Example {
        package: "virt-tokio",
        name: "fleet",
    };
    example.build();
    let mut daemons = [(); 3].map(|()| Daemon::start(&Config::default()).unwrap());
    let uris = [
        daemons[0].unix_uri(),
        daemons[1].tcp_uri(),
        daemons[2].unix_uri(),
    ];
    let mut child = Kill(
        example
            .run()
            .args(&uris)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap(),
    );
    let (sender, lines) = mpsc::channel();
    let output = BufReader::new(child.0.stdout.take().unwrap());
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            sender.send(line).ok();
        }
    });
    let next = || lines.recv_timeout(PATIENCE).unwrap();
    let mut watched = [next(), next(), next()];
    watched.sort();
    let mut expected = uris.clone().map(|uri| format!("{uri}: watched"));
    expected.sort();
    assert_eq!(watched, expected);

    let toggled = |uri: &str| {
        for (command, word) in [("destroy", "stopped"), ("start", "started")] {
            let output = virsh::run(uri, &[command, "test"]).unwrap();
            assert!(output.status.success(), "{output:?}");
            assert_eq!(next(), format!("{uri}: test {word}"));
        }
    };
    uris.iter().for_each(|uri| toggled(uri));
    for (daemon, uri) in daemons.iter_mut().zip(&uris) {
        daemon.restart().unwrap();
        assert_eq!(next(), format!("{uri}: watched again, after a gap"));
    }
    uris.iter().for_each(|uri| toggled(uri));
}
