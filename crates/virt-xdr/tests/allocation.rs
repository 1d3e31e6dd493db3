//! What hostile bytes make the crate allocate, seen by an allocator that counts.
//!
//! One test alone, so that nothing else allocates meanwhile.

use std::fmt::Debug;

use peak_alloc::PeakAlloc;
use virt_xdr::{Decode, DecodeError, Decoder, FrameDecoder, from_slice};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

/// The most that a refusal may cost: the error itself, boxed.
const ERROR: usize = 256;

/// `struct tree { tree children<>; }`.
#[derive(Debug)]
struct Tree {
    _children: Vec<Tree>,
}

impl Decode<'_> for Tree {
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        let _children = Vec::decode(input)?;
        Ok(Self { _children })
    }
}

/// How many bytes more than before were allocated at once while `work` ran.
fn peak(work: impl FnOnce()) -> usize {
    let before = MEMORY.current_usage();
    MEMORY.reset_peak_usage();
    work();
    MEMORY.peak_usage() - before
}

#[track_caller]
fn refusal_costs_at_most<T: for<'a> Decode<'a> + Debug>(limit: usize, bytes: &[u8]) {
    let cost = peak(|| assert!(from_slice::<T>(bytes).is_err()));
    assert!(cost <= limit, "{cost} bytes for {} of input", bytes.len());
}

#[test]
fn what_is_announced_is_not_allocated() {
    for length in [0x4000_0000u32, 0x7fff_fff0, 0xffff_ffff] {
        let wire = [&length.to_be_bytes()[..], &[0; 4]].concat();
        refusal_costs_at_most::<String>(ERROR, &wire);
        refusal_costs_at_most::<Vec<u8>>(ERROR, &wire);
        refusal_costs_at_most::<Vec<i32>>(ERROR, &wire);
        refusal_costs_at_most::<Vec<[i32; 25]>>(ERROR, &wire);
        refusal_costs_at_most::<Vec<Vec<String>>>(ERROR, &wire);
    }

    // The count can be true of elements that are short, and is not of these: their first is refused.
    let mut wire = 0x0004_0000u32.to_be_bytes().to_vec();
    wire.resize(4 + 4 * 0x0004_0000, 0xff);
    refusal_costs_at_most::<Vec<[String; 40]>>(4 * wire.len() + ERROR, &wire);

    // Arrays in arrays, each with a count that the bytes behind it would just hold.
    let mut wire = Vec::new();
    for words_left in (0..0x0004_0000u32).rev() {
        wire.extend(words_left.to_be_bytes());
    }
    refusal_costs_at_most::<Tree>(8 * wire.len() + ERROR, &wire);
    refusal_costs_at_most::<Vec<Vec<Vec<Vec<String>>>>>(8 * wire.len() + ERROR, &wire);

    // 32 MiB announced, 100 bytes there.
    let cost = peak(|| {
        let mut decoder = FrameDecoder::new();
        decoder.push(&[&[2, 0, 0, 4][..], &[0; 96]].concat());
        assert!(decoder.next_frame().is_ok_and(|frame| frame.is_none()));
        assert_eq!(decoder.need(), 33_554_336);
    });
    assert!(cost < 1024, "{cost} bytes for an announced frame");
}
