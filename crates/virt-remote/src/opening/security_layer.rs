//! The contract of a security layer, which protects all bytes of a connection after authentication.

use std::error::Error;
use std::fmt;

/// A layer between frames and socket that an authentication has negotiated, as SASL's are.
///
/// It knows nothing of frames: one packet of the layer may hold several, or a part of one. The two directions are
/// independent of each other, but each must pass its bytes in order.
pub trait SecurityLayer: fmt::Debug + Send {
    /// Protects bytes to be sent, and appends the result to `out`. Nothing is held back.
    fn encode(&mut self, plain: &[u8], out: &mut Vec<u8>);

    /// Takes bytes that were received, however they were cut, and appends those that they protect to `out`.
    ///
    /// An unfinished packet is kept until the rest of it comes; its length is limited.
    ///
    /// # Errors
    ///
    /// The bytes were changed on the way, or a packet exceeds the limit. The connection has to be closed.
    fn decode(
        &mut self,
        received: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), Box<dyn Error + Send + Sync>>;
}
