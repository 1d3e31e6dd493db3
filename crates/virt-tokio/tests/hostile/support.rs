//! A stranger at the other end of a Unix socket, and the programs that it meets.

use std::io::Write;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::{Duration, Instant};

use rustix::net::sockopt::set_socket_linger;
use tokio::net::UnixStream;
use virt_remote::{AuthType, RemoteServer, TestHypervisor};
use virt_testkit::peer::Peer;
use virt_testkit::words::{PING, PONG};
use virt_testkit::{socket, wire};
use virt_tokio::{Control, Server, ServerOptions};
use virt_transport::{
    Call, CallProcedure, Context, Program, ProgramId, RegisterError, RemoteError, Transport,
};

/// The time for which closing a lingering socket blocks.
pub(crate) const LINGER: Duration = Duration::from_secs(8);

/// A program with a procedure for each way to treat descriptors.
#[derive(Debug, Default)]
pub(crate) struct Odd {
    kept: Vec<virt_transport::CallId>,
    fds: Vec<virt_transport::Fd>,
}

/// The procedure of [`Odd`] that answers.
#[derive(Debug)]
pub(crate) struct Answer;

impl CallProcedure for Answer {
    const PROGRAM: ProgramId = ProgramId::new(0x2000_4242, 1);
    const NUMBER: i32 = 1;
    const NAME: &'static str = "ANSWER";
    type Args<'a> = ();
    type Ret = ();
}

impl Program for Odd {
    fn id(&self) -> ProgramId {
        Answer::PROGRAM
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        match call.id.procedure() {
            1 => Ok(cx.reply(call.id, &())?),
            3 => {
                self.kept.push(call.id);
                self.fds.extend(call.fds);
                Ok(())
            }
            procedure => Err(RemoteError::unknown_procedure(procedure)),
        }
    }
}

/// The other end of a Unix socket.
pub(crate) type Stranger = Peer<UnixStream>;

/// Sends bytes in one message, and descriptors with them.
pub(crate) fn sends(stranger: &Stranger, text: &str, fds: &[BorrowedFd<'_>]) {
    socket::write(&stranger.0, &wire(text), fds).unwrap();
}

/// Registers a remote program that demands polkit and refuses it, and [`Odd`].
pub(crate) fn guarded(transport: &mut Transport, control: &Control) -> Result<(), RegisterError> {
    let close = control.clone();
    let remote = RemoteServer::new(TestHypervisor::default())
        .demand_auth([AuthType::POLKIT])
        .on_close(move || close.close());
    transport.register(remote)?;
    transport.register(Odd::default()).map(drop)
}

/// Registers [`Odd`].
pub(crate) fn open(transport: &mut Transport, _: &Control) -> Result<(), RegisterError> {
    transport.register(Odd::default()).map(drop)
}

/// A served connection.
pub(crate) fn serve(
    options: ServerOptions,
    programs: impl FnOnce(&mut Transport, &Control) -> Result<(), RegisterError>,
) -> (Server, Stranger) {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let (server, ()) = Server::over_unix(ours, options, programs).unwrap();
    (server, Peer(theirs))
}

/// A TCP socket whose closing blocks for this long, and its other end.
pub(crate) fn lingering(time: Duration) -> (OwnedFd, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (theirs, _) = listener.accept().unwrap();
    ours.set_nonblocking(true).unwrap();
    while ours.write(&[0; 64 * 1024]).is_ok() {}
    ours.set_nonblocking(false).unwrap();
    set_socket_linger(&ours, Some(time)).unwrap();
    (ours.into(), theirs)
}

/// Has `attack` send the only copy of a lingering socket and wait until it was dealt with; another connection of the
/// thread is answered before closing the socket would have ended.
pub(crate) async fn others_are_answered(attack: impl AsyncFnOnce(OwnedFd)) {
    let (_victim, mut peer) = serve(ServerOptions::default(), |_, _| Ok(()));
    let (fd, _unread) = lingering(LINGER);
    let start = Instant::now();
    attack(fd).await;
    peer.says(PING).await;
    peer.hears(PONG).await;
    let took = start.elapsed();
    assert!(took < LINGER, "{took:?}");
}

/// Returns so many descriptors: copies of one, and `last` behind them.
pub(crate) fn many<'a>(one: &'a OwnedFd, last: &'a OwnedFd, count: usize) -> Vec<BorrowedFd<'a>> {
    let mut fds = vec![one.as_fd(); count - 1];
    fds.push(last.as_fd());
    fds
}

/// A descriptor that is closed at once.
pub(crate) fn harmless() -> OwnedFd {
    std::fs::File::open("/dev/null").unwrap().into()
}
