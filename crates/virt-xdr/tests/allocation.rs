//! What hostile bytes make the crate allocate, seen by an allocator that counts.
//!
//! One test alone, so that nothing else allocates meanwhile.

use std::fmt::Debug;

use peak_alloc::PeakAlloc;
use virt_xdr::{
    Decode, DecodeError, Decoder, FrameDecoder, Header, MessageType, ProgramId, Serial, Status,
    encode_frame, from_slice,
};

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

/// A word on the wire where it is `None`.
type Sparse = Option<[u64; 60]>;

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
fn memory() {
    what_is_announced_is_not_allocated();
    what_is_accepted_takes_64_times_its_size_and_1_mib();
    what_was_taken_is_given_back();
}

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
    refusal_costs_at_most::<Vec<[String; 40]>>(ERROR, &wire);
    refusal_costs_at_most::<Vec<[String; 2]>>(4 * wire.len() + ERROR, &wire);

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

fn what_is_accepted_takes_64_times_its_size_and_1_mib() {
    let array = |count: u32| {
        let mut wire = count.to_be_bytes().to_vec();
        wire.extend((0..4 * count).map(|_| 0));
        wire
    };
    refusal_costs_at_most::<Vec<Sparse>>(ERROR, &array(1 << 20));

    // What takes no more memory than four times its bytes is allocated once.
    let cost = peak(|| assert!(from_slice::<Vec<i32>>(&array(1 << 20)).is_ok()));
    assert!(cost <= 2 * (4 << 20) + ERROR, "{cost} bytes");

    // The largest that is accepted; while it grows, what it was copied from is there, too.
    let wire = array(4520);
    let limit = 64 * wire.len() + (1 << 20);
    let mut size = 0;
    let cost = peak(|| size = from_slice::<Vec<Sparse>>(&wire).map_or(0, |v| v.len() * 488));
    assert!(size <= limit && size > limit - 488, "{size} of {limit}");
    assert!(cost < 3 * limit, "{cost} of {limit}");

    // Exactly the limit is not over it: 4097 times 512 bytes are 64 times 16 392, and 1 MiB.
    assert!(from_slice::<Vec<Option<[u64; 63]>>>(&array(4097)).is_ok());
    refusal_costs_at_most::<Vec<Option<[u64; 63]>>>(ERROR, &array(4098));

    // Many arrays and boxes of one value each.
    let mut wire = (1u32 << 18).to_be_bytes().to_vec();
    for _ in 0..1 << 18 {
        wire.extend([0, 0, 0, 1, 0, 0, 0, 0]);
    }
    let limit = 64 * wire.len() + (1 << 20) + 4 * size_of::<Sparse>();
    let cost = peak(|| assert!(from_slice::<Vec<Vec<Sparse>>>(&wire).is_ok()));
    assert!(cost < limit, "{cost} of {limit}");
    refusal_costs_at_most::<Vec<Vec<[Sparse; 2]>>>(limit, &wire);
    refusal_costs_at_most::<Vec<Option<Box<[Sparse; 2]>>>>(limit, &wire);
}

fn what_was_taken_is_given_back() {
    const ROOM: usize = 4096;
    let header = Header {
        program: ProgramId::new(0x2000_8086, 1),
        procedure: 60,
        message_type: MessageType::CALL,
        serial: Serial(1),
        status: Status::OK,
    };
    let frame = |payload: usize| {
        let mut wire = Vec::new();
        let result = encode_frame(&mut wire, &header, |out| {
            out.raw(&vec![0; payload]);
            Ok(())
        });
        result.expect("not too long");
        wire
    };
    // Its end leaves 3000 bytes of a buffer of 32 MiB.
    let (large, small) = (frame((32 << 20) - 3000 - 28), frame(0));
    let before = MEMORY.current_usage();
    let held = || MEMORY.current_usage() - before;
    for through_space in [false, true] {
        let mut decoder = FrameDecoder::new();
        for bytes in large.chunks(ROOM) {
            decoder.space(ROOM)[..bytes.len()].copy_from_slice(bytes);
            decoder.commit(bytes.len());
        }
        let frame = decoder.next_frame().expect("a valid length");
        let payload = frame.expect("a whole frame").payload.into_bytes();
        assert!(held() >= 32 << 20, "{}", held());
        drop(payload);
        for _ in 0..10 {
            if through_space {
                decoder.space(ROOM)[..small.len()].copy_from_slice(&small);
                decoder.commit(small.len());
            } else {
                decoder.push(&small);
            }
            let frame = decoder.next_frame().expect("a valid length");
            let _ = frame.expect("a whole frame").payload.into_bytes();
        }
        assert!(held() <= 4 * ROOM, "{}", held());
    }
    assert_eq!(held(), 0);
}
