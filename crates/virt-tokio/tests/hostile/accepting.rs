//! The limits of what a server takes: connections, those not opened, calls in work, open streams.

use std::time::Duration;

use tempfile::TempDir;
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;
use virt_testkit::peer::{Peer, soon};
use virt_testkit::words::{PING, PONG};
use virt_tokio::{Listener, Server, ServerOptions};
use virt_transport::{Call, Context, Program, ProgramId, RemoteError, StreamId};

use crate::support::{Stranger, open, serve};

/// The time in which a client would be accepted, on a clock that jumps.
const WHILE: Duration = Duration::from_secs(1);

const CALL: &str = "0000001c 20004242 00000001 00000001 00000000 00000001 00000000";
const ANSWER: &str = "0000001c 20004242 00000001 00000001 00000001 00000001 00000000";

struct Door {
    listener: Listener,
    directory: TempDir,
}

impl Door {
    fn new(connections: usize, unestablished: usize) -> Self {
        let directory = TempDir::new().unwrap();
        let socket = UnixListener::bind(directory.path().join("sock")).unwrap();
        let listener = Listener::unix(socket).limits(connections, unestablished);
        Self {
            listener,
            directory,
        }
    }

    async fn connects(&self) -> Stranger {
        let path = self.directory.path().join("sock");
        Peer(UnixStream::connect(path).await.unwrap())
    }

    async fn accepts(&self) -> Server {
        let accepted = soon(self.listener.accept()).await.unwrap();
        accepted.serve(ServerOptions::default(), open).unwrap().0
    }

    async fn accepts_nobody(&self) {
        let accepted = timeout(WHILE, self.listener.accept()).await;
        assert!(accepted.is_err(), "{accepted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn connections_are_limited() {
    let door = Door::new(2, 100);
    let (_first, second, _third) = (
        door.connects().await,
        door.connects().await,
        door.connects().await,
    );
    let (_serves_first, serves_second) = (door.accepts().await, door.accepts().await);
    door.accepts_nobody().await;
    drop(second);
    soon(serves_second.closed()).await;
    door.accepts().await;
}

#[tokio::test(start_paused = true)]
async fn connections_that_are_not_opened_are_limited() {
    let door = Door::new(100, 1);
    let (mut first, _second) = (door.connects().await, door.connects().await);
    let _server = door.accepts().await;
    door.accepts_nobody().await;
    first.says(PING).await;
    first.hears(PONG).await;
    door.accepts_nobody().await;
    first.says(CALL).await;
    first.hears(ANSWER).await;
    door.accepts().await;
}

#[tokio::test(start_paused = true)]
async fn calls_in_work_are_limited() {
    let options = ServerOptions::default().calls_in_work(2);
    let (_server, mut peer) = serve(options, open);
    // Procedure 3 is never answered.
    for serial in 1..=2 {
        peer.says(&format!(
            "0000001c 20004242 00000001 00000003 00000000 {serial:08x} 00000000"
        ))
        .await;
    }
    peer.says(CALL).await;
    peer.hears_nothing_for(WHILE).await;

    let options = ServerOptions::default().calls_in_work(usize::MAX);
    let (_server, mut peer) = serve(options, open);
    for serial in 2..=1000 {
        peer.says(&format!(
            "0000001c 20004242 00000001 00000003 00000000 {serial:08x} 00000000"
        ))
        .await;
    }
    peer.says(CALL).await;
    peer.hears(ANSWER).await;
}

/// Opens a stream for each call.
struct Streams;

impl Program for Streams {
    fn id(&self) -> ProgramId {
        ProgramId::new(0x2000_4242, 1)
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let id = StreamId {
            procedure: call.id.procedure(),
            serial: call.id.serial(),
        };
        cx.open_stream(id)?;
        Ok(cx.reply(call.id, &())?)
    }
}

#[tokio::test(start_paused = true)]
async fn open_streams_are_limited() {
    let (_server, mut peer) = serve(ServerOptions::default(), |transport, _| {
        transport.register(Streams).map(drop)
    });
    for serial in 1..=65u32 {
        peer.says(&format!(
            "0000001c 20004242 00000001 00000001 00000000 {serial:08x} 00000000"
        ))
        .await;
        let reply = soon(peer.frame()).await;
        let status = u8::from(serial > 64);
        assert_eq!(reply[27], status, "{serial}");
    }
    // A stream that is finished makes room.
    peer.says("0000001c 20004242 00000001 00000001 00000003 00000001 00000001")
        .await;
    peer.hears("0000001c 20004242 00000001 00000001 00000003 00000001 00000000")
        .await;
    peer.says("0000001c 20004242 00000001 00000001 00000000 00000042 00000000")
        .await;
    peer.hears("0000001c 20004242 00000001 00000001 00000001 00000042 00000000")
        .await;
}
