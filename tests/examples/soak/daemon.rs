//! A round against a private `libvirtd`.

use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use tokio::net::UnixStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use virt_remote::constants::{ConnectListAllDomainsFlags, DomainEventId};
use virt_remote::{ConnectGetHostname, ConnectGetUri, PROGRAM, Remote};
use virt_tokio::{Client, Options, connect};
use virt_transport::{CallProcedure, ProgramId};
use virt_xdr::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

/// The most that anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The download of a volume.
struct StorageVolDownload;

/// The volume's name, in the pool of [`Storage`](virt_tests::Storage), from its start to its end.
struct Volume<'a>(&'a str);

impl CallProcedure for StorageVolDownload {
    const PROGRAM: ProgramId = PROGRAM;
    const NUMBER: i32 = 209;
    const NAME: &'static str = "STORAGE_VOL_DOWNLOAD";
    type Args<'a> = Volume<'a>;
    type Ret = ();
}

impl Encode for Volume<'_> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        "pool".encode(out)?;
        self.0.encode(out)?;
        "key".encode(out)?;
        // Offset, length and flags.
        [0u32; 5].encode(out)
    }
}

impl<'a> Decode<'a> for Volume<'a> {
    fn decode(input: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let [_pool, name, _key] = <[&str; 3]>::decode(input)?;
        <[u32; 5]>::decode(input)?;
        Ok(Self(name))
    }
}

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
    let volume = Volume("volume");
    let called = client.call_with_stream::<StorageVolDownload>(&volume);
    let ((), mut stream) = called.await.unwrap();
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
    let mut events = client.events();
    let registered =
        client.connect_domain_event_callback_register_any(DomainEventId::LIFECYCLE, None);
    registered.await.unwrap();
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
    let action = rng.u8(..6);
    // Each of these may fail: a domain may be paused twice, and the connection may end.
    let act = async {
        match action {
            0 => drop(client.call::<ConnectGetHostname>(&()).await),
            1 => drop(client.call::<ConnectGetUri>(&()).await),
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
