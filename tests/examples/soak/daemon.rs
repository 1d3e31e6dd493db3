//! A round against a private `libvirtd`.

use std::path::Path;
use std::time::Duration;

use fastrand::Rng;
use tokio::task::JoinSet;
use tokio::time::timeout;
use virt_remote::{
    ConnectDomainEventCallbackRegisterAny, ConnectDomainEventCallbackRegisterAnyArgs,
    ConnectGetHostname, ConnectGetUri, ConnectListAllDomains, ConnectListAllDomainsArgs,
    DomainEvent, DomainLookupByName, DomainLookupByNameArgs, DomainResume, DomainResumeArgs,
    DomainSuspend, DomainSuspendArgs, NonnullDomain, PROGRAM,
};
use virt_tokio::{Client, Options, connect};
use virt_transport::{CallProcedure, ProgramId};
use virt_xdr::{Decode, DecodeError, Decoder, Encode, EncodeError, Encoder};

/// The most that anything takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// The stream of a domain's picture, which the daemon's mock has.
struct Screenshot;

/// The domain, and screen and flags of 0.
struct ScreenshotArgs<'a>(NonnullDomain<&'a str>);

impl Encode for ScreenshotArgs<'_> {
    fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> {
        self.0.encode(out)?;
        [0u32; 2].encode(out)
    }
}

impl<'a> Decode<'a> for ScreenshotArgs<'a> {
    fn decode(input: &mut Decoder<'a>) -> Result<Self, DecodeError> {
        let domain = NonnullDomain::decode(input)?;
        <[u32; 2]>::decode(input)?;
        Ok(Self(domain))
    }
}

impl CallProcedure for Screenshot {
    const PROGRAM: ProgramId = PROGRAM;
    const NUMBER: i32 = 211;
    const NAME: &'static str = "DOMAIN_SCREENSHOT";
    type Args<'a> = ScreenshotArgs<'a>;
    /// The MIME type.
    type Ret = Option<String>;
}

pub(crate) async fn round(mut rng: Rng, socket: &Path) -> usize {
    let uri = format!("test+unix:///default?socket={}", socket.display());
    let client = connect(&uri, Options::default()).await.unwrap();
    let mut events = client.events();
    let args = ConnectDomainEventCallbackRegisterAnyArgs {
        event_id: DomainEvent::LIFECYCLE,
        dom: None,
    };
    let registered = client.call::<ConnectDomainEventCallbackRegisterAny>(&args);
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
        let idle = async {
            let busy = |transport: &mut virt_transport::Transport| {
                transport.waiting_calls() + transport.open_streams() + transport.queued() > 0
            };
            while client.with_transport(busy).await.unwrap() {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, idle).await.expect("nothing is left");
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
            2 => drop(client.ping().await),
            3 => {
                let args = ConnectListAllDomainsArgs {
                    need_results: 1,
                    flags: 0,
                };
                drop(client.call::<ConnectListAllDomains>(&args).await);
            }
            _ => drop(with_domain(&client, action).await),
        }
    };
    let _ = timeout(patience, act).await;
}

async fn with_domain(client: &Client, action: u8) -> Result<(), virt_tokio::CallError> {
    let args = DomainLookupByNameArgs { name: "test" };
    let found = client.call::<DomainLookupByName>(&args).await?;
    let dom = NonnullDomain {
        name: found.dom.name.as_str(),
        uuid: found.dom.uuid,
        id: found.dom.id,
    };
    match action {
        4 => {
            client
                .call::<DomainSuspend>(&DomainSuspendArgs { dom })
                .await
        }
        5 => client.call::<DomainResume>(&DomainResumeArgs { dom }).await,
        _ => {
            let (_, mut stream) = client
                .call_with_stream::<Screenshot>(&ScreenshotArgs(dom))
                .await?;
            while stream.recv().await?.is_some() {}
            stream.finish().await
        }
    }
}
