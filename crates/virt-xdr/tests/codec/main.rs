//! The codec: every type of RFC 4506 as literal bytes, both ways, and everything it refuses.

mod encode_refused;
mod hostile;
mod lenient;
mod literal;
mod memory;
mod nesting;
mod refused;
mod round_trip;
mod short;
mod support;
mod text;
