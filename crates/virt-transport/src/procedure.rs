//! Traits that tie a procedure's number to its types; generated code implements them.

use virt_xdr::{Decode, Encode, ProgramId};

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
