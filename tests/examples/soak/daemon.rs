//! A round against a private `libvirtd`.

use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use tokio::io::AsyncReadExt;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use virt_remote::constants::ConnectListAllDomainsFlags;
use virt_remote::{
    ConnectEventConnectionClosed, ConnectGetHostname, ConnectGetUri, DomainEventCallbackLifecycle,
    Remote,
};
use virt_tests::{VolDownload, Volume};
use virt_tokio::{Client, Options, connect};

/// The most that anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A round of downloads, some of them given up.
pub(crate) async fn downloads(mut rng: Rng, socket: &Path) -> usize {
    let socket = UnixStream::connect(socket).await.unwrap();
    let client = Client::over_unix(socket, Options::default());
    client.open("storage:///session").await.unwrap();
    let count = rng.usize(1..20);
    let mut actions = JoinSet::new();
    for _ in 0..count {
        actions.spawn(download(client.clone(), rng.fork()));
    }
    while let Some(done) = actions.join_next().await {
        done.unwrap();
    }
    is_idle(&client).await;
    client.close().await;
    count
}

/// Downloads a volume, and may stop within it.
async fn download(client: Client, mut rng: Rng) {
    let volume = Volume {
        name: "volume",
        offset: 0,
        length: 0,
        flags: 0,
    };
    let called = client.call_with_stream::<VolDownload>(&volume);
    let ((), mut stream) = called.await.unwrap();
    if rng.bool() {
        let mut start =
            stream
                .into_download()
                .take(if rng.bool() { u64::MAX } else { rng.u64(..9) });
        tokio::io::copy(&mut start, &mut tokio::io::sink())
            .await
            .unwrap();
        return;
    }
    let mut left = if rng.bool() { u32::MAX } else { rng.u32(..3) };
    while left > 0 && stream.recv().await.unwrap().is_some() {
        left -= 1;
    }
    if left > 0 {
        stream.finish().await.unwrap();
    }
}

/// Waits until nothing is left on our end.
async fn is_idle(client: &Client) {
    let idle = async {
        let busy = |transport: &mut virt_transport::Transport| {
            transport.waiting_calls() + transport.open_streams() + transport.queued() > 0
        };
        while client.with_transport(busy).await.unwrap() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    timeout(PATIENCE, idle).await.expect("nothing is left");
}

pub(crate) async fn round(mut rng: Rng, socket: &Path) -> usize {
    let uri = format!("test+unix:///default?socket={}", socket.display());
    let client = connect(&uri, Options::default()).await.unwrap();
    let subscribed = client.subscribe::<DomainEventCallbackLifecycle>(&None);
    let mut events = subscribed.await.unwrap();
    let count = rng.usize(1..60);
    let mut actions = JoinSet::new();
    for _ in 0..count {
        actions.spawn(act(client.clone(), rng.fork()));
    }
    if rng.u8(..) < 192 {
        while let Some(done) = actions.join_next().await {
            done.unwrap();
        }
        is_idle(&client).await;
        while timeout(Duration::ZERO, events.recv()).await.is_ok() {}
    }
    client.close().await;
    while actions.join_next().await.is_some() {}
    count
}

/// Does one thing, and may give it up.
async fn act(client: Client, mut rng: Rng) {
    let patience = if rng.u8(..) < 100 {
        Duration::from_micros(rng.u64(..2000))
    } else {
        PATIENCE
    };
    let action = rng.u8(..7);
    // Each of these may fail: a domain may be paused twice, and the connection may end.
    let act = async {
        match action {
            0 => drop(client.call::<ConnectGetHostname>(&()).await),
            1 => drop(client.call::<ConnectGetUri>(&()).await),
            6 => {
                let events = client.subscribe::<ConnectEventConnectionClosed>(&());
                drop(events.await);
            }
            2 => drop(client.ping().await),
            3 => {
                let all = ConnectListAllDomainsFlags::default();
                drop(client.connect_list_all_domains(all).await);
            }
            _ => drop(with_domain(&client, action).await),
        }
    };
    let _ = timeout(patience, act).await;
}

async fn with_domain(client: &Client, action: u8) -> Result<(), virt_tokio::CallError> {
    let dom = client.domain_lookup_by_name("test").await?;
    match action {
        4 => client.domain_suspend(&dom).await,
        _ => client.domain_resume(&dom).await,
    }
}
