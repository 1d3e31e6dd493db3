//! Reading a payload as libvirt does on both ends: trailing bytes are ignored.

use virt_xdr::{Decode, DecodeError, Decoder};

/// Decodes the value that a payload begins with.
pub(crate) fn leading<'p, T: Decode<'p>>(payload: &'p [u8]) -> Result<T, DecodeError> {
    T::decode(&mut Decoder::new(payload))
}
