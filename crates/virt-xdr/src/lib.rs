//! XDR (RFC 4506) and the framing of libvirt's RPC protocol, without I/O and without `std`.
//!
//! The crate has two halves that can be used apart:
//!
//! - **The codec.** [`Encode`] and [`Decode`] turn values into XDR and back. Decoding works on a slice, so
//!   a type may borrow from it (`&str`, `&[u8]`) or own (`String`, `Vec<u8>`). [`to_vec`] and
//!   [`from_slice`] do a whole value at once.
//! - **The frame.** Every message of the protocol is a length, a [`Header`] and a payload.
//!   [`encode_frame`] writes one, the [`FrameDecoder`] takes them out of a byte stream, however it was cut,
//!   and [`split_off_frame`] out of bytes that lie in one piece.
//!
//! > The contract: no bytes from the wire make this crate panic, loop, or hold more memory than a fixed
//! > multiple of the bytes that really arrived: twice for a frame, [64 times and 1 MiB](Decoder::array) for
//! > the arrays and boxes of a value. A length that is announced is judged, never trusted.
//!
//! # Examples
//!
//! A frame is written, arrives in two pieces, and is read again:
//!
//! ```
//! use virt_xdr::{
//!     Encode, FrameDecoder, Header, MessageType, ProgramId, Serial, Status, encode_frame, from_slice,
//! };
//!
//! let header = Header {
//!     program: ProgramId::new(0x2000_8086, 1),
//!     procedure: 60,
//!     message_type: MessageType::CALL,
//!     serial: Serial(1),
//!     status: Status::OK,
//! };
//! let mut wire = Vec::new();
//! encode_frame(&mut wire, &header, |out| 10i32.encode(out))?;
//! assert_eq!(wire.len(), 32);
//!
//! let mut decoder = FrameDecoder::new();
//! decoder.push(&wire[..30]);
//! assert!(decoder.next_frame()?.is_none());
//! assert_eq!(decoder.need(), 2);
//!
//! decoder.push(&wire[30..]);
//! let frame = decoder.next_frame()?.expect("all bytes are there");
//! assert_eq!(frame.header, header);
//! assert_eq!(from_slice::<i32>(frame.payload.as_slice())?, 10);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # XDR types
//!
//! | RFC 4506 | here |
//! |---|---|
//! | int, unsigned int, hyper, unsigned hyper | `i32`, `u32`, `i64`, `u64` |
//! | enum | a newtype over `i32`, such as [`MessageType`] |
//! | bool, float, double | `bool`, `f32`, `f64` |
//! | `opaque[N]` | `[u8; N]`, `&[u8; N]` |
//! | `opaque<N>` | [`Encoder::opaque`], [`Decoder::opaque`]; without a bound `&[u8]`, `Vec<u8>` |
//! | `string<N>` | [`Encoder::string`], [`Decoder::string`]; without a bound `&str`, `String` |
//! | `T[N]` | `[T; N]` |
//! | `T<N>` | [`Encoder::array`], [`Decoder::array`]; without a bound `Vec<T>` |
//! | struct | implement [`Encode`] and [`Decode`], field after field |
//! | union | a Rust `enum`; a discriminant that has no arm is [`Decoder::unknown_discriminant`] |
//! | void | `()` |
//! | optional (`T *`) | `Option<T>`; where the type contains itself `Option<Box<T>>` |
//!
//! Each `Box<T>` is one level of nesting, so a list of `Option<Box<T>>` nodes ends at [`MAX_DEPTH`] of them. A
//! longer one is read by a loop over [`Decoder::optional`], which does not nest.
//!
//! Quadruple-precision floating point is left out: Rust has no stable type for it and libvirt never sends it.
//!
//! In the dialect of rpcgen, `char`, `short` and their unsigned forms are a word each:
//! [`Encoder::narrow`] and [`Decoder::narrow`]. `u8` itself is no XDR type here, so that an array of bytes
//! is always opaque.

#![no_std]

extern crate alloc;
// The derived code counts recursions per thread.
#[cfg(feature = "arbitrary")]
extern crate std;

mod buffer;
mod decode;
mod encode;
mod error;
mod frame;
mod frame_decoder;
mod generated;
mod header;
mod text;
mod types;

pub use decode::{Decode, Decoder, Narrow, from_slice, from_slice_lenient};
pub use encode::{Encode, Encoder, to_vec};
pub use error::{DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, FrameError};
pub use frame::{FRAME_MAX, FRAME_MIN, Frame, Payload, encode_frame, frame_head, split_off_frame};
pub use frame_decoder::FrameDecoder;
pub use generated::*;
pub use header::{Header, ProgramId, Serial};
pub use text::{DecodeText, Text};

/// The bound of a string, opaque or array that is declared without one (`<>`): 2³² − 1, in bytes or elements.
///
/// Source: RFC 4506, sections 4.10, 4.11 and 4.13.
pub const UNBOUNDED: usize = u32::MAX as usize;

/// How deep values may nest through pointers (`Box<T>`) and arrays before encoding or decoding is refused.
///
/// RFC 4506 sets no limit; without one, a few kilobytes of wire could overflow the stack.
pub const MAX_DEPTH: u32 = 128;

// A wire length is an `u32` and must not lose bits on its way to `usize`.
const _: () = assert!(
    usize::BITS >= 32,
    "virt-xdr needs pointers of 32 bits or more"
);
