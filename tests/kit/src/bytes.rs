//! The messages of keepalive, as bytes.

/// A PING.
pub const PING: &[u8] = b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\0";

/// A PONG.
pub const PONG: &[u8] = b"\0\0\0\x1ckeep\0\0\0\x01\0\0\0\x02\0\0\0\x02\0\0\0\0\0\0\0\0";
