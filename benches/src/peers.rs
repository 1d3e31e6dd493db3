//! The other XDR codecs of the registry, each on types as its own documentation has them.
//!
//! None of them decodes to types that borrow from the input, and none takes libvirt's frames out of a
//! byte stream, so that these have the floor beside them alone.

pub mod libvirt_xdr;
pub mod onc_xdr;
pub mod serde_xdr;
pub mod stellar_xdr;
pub mod xdr_codec;
