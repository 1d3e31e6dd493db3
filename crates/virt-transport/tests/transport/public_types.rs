//! The public types: they are `Send` and small, and `Program` makes objects.

use virt_testkit::bytes;
use virt_testkit::transport::drain_bytes;
use virt_transport::{
    Call, CallId, Chunks, Context, Counters, DomainObject, ErrorCode, ErrorLevel, ErrorPayload,
    ErrorSource, Fd, FdSlot, Handle, Message, Need, NetworkObject, Payload, Program, ProgramError,
    ProgramId, ReceiveError, RegisterError, RemoteError, Reply, ReplyError, Role, SendError,
    Serial, Status, StreamBody, StreamFrame, StreamHole, StreamId, Transmit, Transport,
};

fn is_send<T: Send>() {}
fn is_send_and_sync<T: Send + Sync>() {}
fn is_error<T: std::error::Error + Clone + Send + Sync + 'static>() {}
fn is_owned<T: Send + 'static>() {}

#[test]
fn every_public_type_is_send() {
    is_send::<Transport>();
    is_send::<Context<'_>>();
    is_send::<Box<dyn Program>>();
    is_send::<Call<'_>>();
    is_send::<Reply<'_>>();
    is_send::<Message<'_>>();
    is_send::<StreamFrame<'_>>();
    is_send::<StreamBody<'_>>();
    is_send::<Payload<'_>>();
    is_send::<Transmit<'_>>();
    is_send::<Chunks<'_>>();
    is_send::<FdSlot<'_>>();

    is_send_and_sync::<Fd>();
    is_send_and_sync::<Role>();
    is_send_and_sync::<Need>();
    is_send_and_sync::<Counters>();
    is_send_and_sync::<CallId>();
    is_send_and_sync::<StreamId>();
    is_send_and_sync::<StreamHole>();
    is_send_and_sync::<ProgramId>();
    is_send_and_sync::<Serial>();
    is_send_and_sync::<Status>();
    is_send_and_sync::<ProgramError>();
    is_send_and_sync::<ErrorPayload>();
    is_send_and_sync::<DomainObject>();
    is_send_and_sync::<NetworkObject>();
    is_send_and_sync::<ErrorCode>();
    is_send_and_sync::<ErrorSource>();
    is_send_and_sync::<ErrorLevel>();
}

#[test]
fn a_handle_is_send_and_sync_whatever_its_program_is() {
    /// A program that may move between threads, but not be shared.
    struct NotSync(std::cell::Cell<u8>);
    impl Program for NotSync {
        fn id(&self) -> ProgramId {
            ProgramId::new(u32::from(self.0.get()), 1)
        }
    }
    is_send_and_sync::<Handle<NotSync>>();
    is_send::<Transport>();
    let mut transport = Transport::new(Role::Server);
    let handle = transport.register(NotSync(7.into())).unwrap();
    assert_eq!(transport.with(&handle, |_, cx| cx.program().number), 7);
}

#[test]
fn errors_are_errors_and_small() {
    is_error::<ReceiveError>();
    is_error::<SendError>();
    is_error::<ReplyError>();
    is_error::<RemoteError>();
    is_error::<RegisterError>();

    let word = size_of::<usize>();
    assert!(size_of::<ReceiveError>() <= 4 * word);
    assert!(size_of::<ProgramError>() <= 3 * word);
    assert!(size_of::<SendError>() <= 3 * word);
    assert!(size_of::<ReplyError>() <= 2 * word);
    assert_eq!(size_of::<RemoteError>(), word);
    assert_eq!(size_of::<Option<RemoteError>>(), word);
    assert_eq!(size_of::<RegisterError>(), 8);
}

#[test]
fn program_makes_objects_and_a_transport_moves_to_another_thread() {
    is_owned::<Box<dyn Program>>();
    is_owned::<Transport>();
    let program: Box<dyn Program> = Box::new(crate::support::Ponger);
    assert_eq!(program.id(), crate::support::KEEPALIVE);
    assert!(!program.takes_calls());

    let mut transport = Transport::new(Role::Server);
    transport.register(crate::support::Ponger).unwrap();
    let sent = std::thread::spawn(move || {
        transport.receive(bytes::PING).unwrap();
        drain_bytes(&mut transport)
    });
    assert_eq!(sent.join().unwrap(), bytes::PONG);
}
