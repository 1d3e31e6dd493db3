//! A map by serial.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use virt_xdr::Serial;

/// The room for entries that an empty map keeps.
const KEEP: usize = 64;

/// A map by the serials of this end's own calls.
pub(crate) type SerialMap<V> = HashMap<Serial, V, BuildHasherDefault<SerialHasher>>;

/// A hash of serials. A fast one will do: this end chooses its serials itself, so no peer can make them collide.
#[derive(Debug, Default)]
pub(crate) struct SerialHasher(u64);

impl Hasher for SerialHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u32(byte.into());
        }
    }

    #[inline]
    fn write_u32(&mut self, word: u32) {
        // Fibonacci hashing: 2^64 divided by the golden ratio. The map uses the highest and the lowest bits.
        self.0 = (self.0 ^ u64::from(word))
            .wrapping_mul(0x9e37_79b9_7f4a_7c15)
            .rotate_left(32);
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

/// Releases the room that was needed for many entries, once they are gone.
#[inline]
pub(crate) fn shrink_if_idle<V>(map: &mut SerialMap<V>) {
    if map.is_empty() && map.capacity() > KEEP {
        map.shrink_to_fit();
    }
}
