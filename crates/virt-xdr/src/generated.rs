use crate::*;
use core::fmt;

/// The greatest message in bytes.
pub const MESSAGE_MAX: usize = 33_554_432;
/// Payload
pub const PAYLOAD_MAX: usize = 33_554_408;
/// Fds
pub const FDS_MAX: usize = 32;
/// string
pub const STRING_MAX: usize = 4_194_304;
macro_rules! open { ($n:ident $($c:ident = $v:expr),*) => {
/// open
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct $n(pub i32);
impl $n { $( /// c
 pub const $c: Self = Self($v);)* }
impl fmt::Debug for $n { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { match *self { $(Self::$c => f.write_str(stringify!($c)),)* _ => write!(f, concat!(stringify!($n), "({})"), self.0) } } }
impl Encode for $n { fn encode(&self, out: &mut Encoder<'_>) -> Result<(), EncodeError> { self.0.encode(out) } }
impl Decode<'_> for $n { fn decode(i: &mut Decoder<'_>) -> Result<Self, DecodeError> { i32::decode(i).map(Self) } }
}}
open!(MessageType CALL = 0, REPLY = 1, MESSAGE = 2, STREAM = 3, CALL_WITH_FDS = 4, REPLY_WITH_FDS = 5, STREAM_HOLE = 6);
open!(Status OK = 0, ERROR = 1, CONTINUE = 2);
