//! How a server reads what it is called with.

use virt_transport::Payload;
use virt_xdr::{Decode, DecodeError, Decoder};

/// The arguments that a payload begins with: a daemon ignores what follows them.
pub(crate) fn arguments<'p, T: Decode<'p>>(payload: &'p Payload<'_>) -> Result<T, DecodeError> {
    T::decode(&mut Decoder::new(payload.as_slice()))
}
