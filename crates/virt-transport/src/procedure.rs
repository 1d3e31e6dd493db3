//! What ties a procedure's number to the types it carries; generated code implements it.

use virt_xdr::{Decode, Encode, ProgramId};

/// A procedure that is called: its number, its arguments and what it returns.
///
/// `cargo xtask codegen` writes one unit struct with this trait for each procedure whose types it knows.
pub trait CallProcedure {
    /// The program that the procedure belongs to.
    const PROGRAM: ProgramId;
    /// The procedure's number.
    const NUMBER: i32;
    /// The procedure's name, such as `CONNECT_OPEN`.
    const NAME: &'static str;
    /// The arguments. They borrow, so that a caller allocates no strings; `()` for none.
    type Args<'a>: Encode + Decode<'a>;
    /// What is returned; `()` for nothing.
    type Ret: Encode + for<'a> Decode<'a>;
}

/// A procedure that is sent as a message, which nobody replies to, such as an event.
pub trait MessageProcedure {
    /// The program that the procedure belongs to.
    const PROGRAM: ProgramId;
    /// The procedure's number.
    const NUMBER: i32;
    /// The procedure's name, such as `DOMAIN_EVENT_LIFECYCLE`.
    const NAME: &'static str;
    /// What the message carries; `()` for nothing.
    type Body: Encode + for<'a> Decode<'a>;
}
