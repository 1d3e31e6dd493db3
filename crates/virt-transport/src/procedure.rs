//! Traits that tie a procedure's number to its types; generated code implements them.

use virt_xdr::{Decode, Encode, EncodeError, ProgramId};

/// A procedure that is called: its number, its arguments and its return value.
///
/// The generator, virt-codegen, writes a unit struct with this trait for each procedure whose types are defined.
pub trait CallProcedure {
    /// The program of the procedure.
    const PROGRAM: ProgramId;
    /// The procedure's number.
    const NUMBER: i32;
    /// The procedure's name, such as `CONNECT_OPEN`.
    const NAME: &'static str;
    /// The arguments, or `()`. They may borrow, so that a caller allocates no strings.
    type Args<'a>: Encode + Decode<'a>;
    /// The return value, or `()`.
    type Ret: Encode + for<'a> Decode<'a>;
}

/// A procedure that is sent as a message, which is never replied to, such as an event.
pub trait MessageProcedure {
    /// The program of the procedure.
    const PROGRAM: ProgramId;
    /// The procedure's number.
    const NUMBER: i32;
    /// The procedure's name, such as `DOMAIN_EVENT_LIFECYCLE`.
    const NAME: &'static str;
    /// The body of the message, or `()`.
    type Body: Encode + for<'a> Decode<'a>;
}

/// An event that a daemon sends to the clients that have registered for it.
///
/// A client calls [`REGISTER`](Self::REGISTER) of the same program with a filter, and later
/// [`DEREGISTER`](Self::DEREGISTER). In almost all events of libvirt a registration has a number, its callback id:
///
/// - the return value of `REGISTER` is the number, an `int`,
/// - the first word of each message is the number,
/// - the arguments of `DEREGISTER` are the number.
///
/// An event without numbers sets [`IS_NUMBERED`](Self::IS_NUMBERED) to `false`: all messages are of the one
/// registration, the return value is ignored, and `DEREGISTER` has no arguments.
pub trait EventProcedure: MessageProcedure {
    /// The procedure that registers for the event.
    const REGISTER: i32;
    /// The procedure that ends a registration.
    const DEREGISTER: i32;
    /// `true` if registrations are numbered.
    const IS_NUMBERED: bool = true;
    /// The filter of a registration, such as the domain whose events are wanted, or `()`.
    type Filter: ?Sized;

    /// Encodes the arguments of `REGISTER`.
    ///
    /// Filters that a daemon takes for the same have to give the same bytes: it refuses a second registration.
    ///
    /// # Errors
    ///
    /// The filter exceeds a limit of the protocol.
    fn register_args(filter: &Self::Filter) -> Result<Vec<u8>, EncodeError>;
}
