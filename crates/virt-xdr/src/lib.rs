//! XDR (RFC 4506) and the framing of libvirt's RPC protocol, without I/O and without `std`.
//!
//! The crate has two parts, each of which can be used alone:
//!
//! - **The codec.** [`Encode`] and [`Decode`] convert values to XDR and back. Decoding works on a slice, so a type may
//!   borrow from it (`&str`, `&[u8]`) or own its content (`String`, `Vec<u8>`). [`to_vec`] and [`from_slice`] convert a
//!   whole value.
//! - **The frame.** Every message of the protocol is a length, a [`Header`] and a payload. [`encode_frame`] writes one.
//!   [`FrameDecoder`] takes frames out of a byte stream that is cut anywhere, and [`split_off_frame`] out of bytes in
//!   one piece.
//!
//! > The contract: no bytes from the wire make this crate panic, loop, or hold more memory than a fixed multiple of the
//! > bytes received. That is twice for a frame, and [64 times and 1 MiB](Decoder::array) for the arrays, boxes and
//! > replaced text of a value. A length is checked as soon as it is known, and never trusted.
//!
//! # Examples
//!
//! A frame is written, arrives in two pieces, and is read:
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
//! | RFC 4506 | Rust |
//! |---|---|
//! | int, unsigned int, hyper, unsigned hyper | `i32`, `u32`, `i64`, `u64` |
//! | enum | a newtype over `i32`, such as [`MessageType`] |
//! | bool, float, double | `bool`, `f32`, `f64` |
//! | `opaque[N]` | `[u8; N]`, `&[u8; N]` |
//! | `opaque<N>` | [`Encoder::opaque`], [`Decoder::opaque`]; without a bound `&[u8]`, `Vec<u8>` |
//! | `string<N>` | [`Encoder::string`], [`Decoder::string`]; without a bound `&str`, `String`, [`Text`] |
//! | `T[N]` | `[T; N]` |
//! | `T<N>` | [`Encoder::array`], [`Decoder::array`]; without a bound `Vec<T>` |
//! | struct | a `struct`: [`Encode`] and [`Decode`] handle one field after the other |
//! | union | an `enum`; a discriminant without an arm is [`Decoder::unknown_discriminant`] |
//! | void | `()` |
//! | optional (`T *`) | `Option<T>`; `Option<Box<T>>` in a type that contains itself |
//!
//! Each `Box<T>` is one level of nesting, so a list of `Option<Box<T>>` nodes has at most [`MAX_DEPTH`] of them. A loop
//! over [`Decoder::optional`] does not nest, and reads a longer one.
//!
//! Quadruple-precision floating point is not supported: Rust has no stable type for it, and libvirt never sends it.
//!
//! In the dialect of rpcgen, `char`, `short` and their unsigned forms take a word each: [`Encoder::narrow`] and
//! [`Decoder::narrow`]. `u8` is not an XDR type, so that an array of bytes is always opaque.
//!
//! # Strict and lenient
//!
//! Decoding is strict: it accepts what RFC 4506 allows, and strings of UTF-8. libvirt's C code accepts more, and its
//! peers rely on that. [`Decoder::lenient`] lists the differences; [`from_slice_lenient`] and
//! [`Payload::decode_lenient`] read as it does. [`Text`] holds a string that need not be UTF-8, and round-trips exactly.

#![no_std]

extern crate alloc;
// The derived code counts recursions per thread.
#[cfg(feature = "arbitrary")]
extern crate std;

mod buffer;
mod characters;
mod decode;
mod decoder;
mod encode;
mod error;
mod frame;
mod frame_decoder;
mod generated;
mod header;
mod narrow;
mod open_enum;
mod text;
mod types;

pub use characters::text_of_characters;
pub use decode::{Decode, from_slice, from_slice_lenient};
pub use decoder::Decoder;
pub use encode::{Encode, Encoder, to_vec};
pub use error::{At, DecodeError, DecodeErrorKind, EncodeError, EncodeErrorKind, FrameError};
pub use frame::{FRAME_MAX, FRAME_MIN, Frame, Payload, encode_frame, frame_head, split_off_frame};
pub use frame_decoder::FrameDecoder;
pub use generated::*;
pub use header::{Header, ProgramId, Serial};
pub use narrow::Narrow;
#[doc(hidden)]
pub use open_enum::{fmt_flags, fmt_value, name_of};
pub use text::{DecodeText, Text};

/// The bound of a string, opaque or array declared without one (`<>`): 2³² − 1, in bytes or elements.
///
/// Source: RFC 4506, sections 4.10, 4.11 and 4.13.
pub const UNBOUNDED: usize = u32::MAX as usize;

/// The number of levels that values may nest through pointers (`Box<T>`) and arrays; deeper ones are refused.
///
/// RFC 4506 sets no limit. Without one, a few kilobytes from the wire could overflow the stack.
pub const MAX_DEPTH: u32 = 128;

// A length on the wire is a `u32` and must fit a `usize`.
const _: () = assert!(
    usize::BITS >= 32,
    "virt-xdr needs pointers of 32 bits or more"
);
