//! The subjects of the benchmarks: the peers, the floor written by hand, and the bytes given to all of them.
//!
//! Every codec is used as its own documentation has it, on types of its own. What is to be encoded is what
//! it has decoded before, so that no codec is asked about bytes that it does not understand.

use std::time::Duration;

use criterion::Criterion;

pub mod floor;
pub mod ours;
pub mod peers;
pub mod samples;
pub mod transport;

/// Returns the settings of the benchmarks whose iterations take micro- and milliseconds.
#[must_use]
pub fn criterion() -> Criterion {
    Criterion::default()
        .sample_size(30)
        .nresamples(10_000)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(400))
}

/// A codec as the benchmarks see it: bytes to a `T`, and back.
pub trait Codec<T> {
    /// The value that takes all of `bytes`, or `None` if there is none.
    fn decode(bytes: &[u8]) -> Option<T>;

    /// Writes the value into a buffer that is used again and again: what was in it is lost.
    ///
    /// # Panics
    ///
    /// If the value cannot be encoded.
    fn encode(value: &T, out: &mut Vec<u8>);
}

/// Runs a generic function once for each codec: `$run::<codec, its type>(its name, $argument...)`.
#[macro_export]
macro_rules! each_codec {
    ($run:ident, $type:ident $(, $argument:expr)*) => {
        $crate::each_codec!(@ $run, $type, ($($argument),*),
            floor, ours, peers::libvirt_xdr, peers::onc_xdr, peers::serde_xdr, peers::stellar_xdr, peers::xdr_codec);
    };
    (@ $run:ident, $type:ident, $arguments:tt, $($($module:ident)::+),*) => {
        $($crate::each_codec!(@@ $run, $type, $arguments, $($module)::+);)*
    };
    (@@ $run:ident, $type:ident, ($($argument:expr),*), $($module:ident)::+) => {
        $run::<$crate::$($module)::+::Xdr, $crate::$($module)::+::$type>(
            $crate::$($module)::+::NAME $(, $argument)*
        )
    };
}
