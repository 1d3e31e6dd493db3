//! The memory that hostile bytes make the crate allocate, counted by the allocator.
//!
//! There is a single test, so that nothing else allocates meanwhile.

use std::fmt::Debug;

use peak_alloc::PeakAlloc;
use virt_xdr::{
    Decode, DecodeError, Decoder, FrameDecoder, Header, MessageType, ProgramId, Serial, Status,
    encode_frame, from_slice, from_slice_lenient,
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

/// Returns the most bytes that `work` has allocated at once.
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
    replaced_text_takes_three_times_its_bytes();
    what_was_taken_is_given_back();
    a_byte_behind_a_large_frame_does_not_keep_its_buffer();
    a_small_payload_does_not_keep_a_large_buffer();
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

fn replaced_text_takes_three_times_its_bytes() {
    let mut wire = (1u32 << 20).to_be_bytes().to_vec();
    wire.resize(4 + (1 << 20), 0xff);
    let before = MEMORY.current_usage();
    let mut text = String::new();
    let cost = peak(|| text = from_slice_lenient(&wire).expect("replaced"));
    assert_eq!((text.len(), text.capacity()), (3 << 20, 3 << 20));
    assert_eq!(cost, 3 << 20);
    drop(text);
    assert_eq!(MEMORY.current_usage(), before);

    // A borrowed string is refused, and a strict decoder replaces nothing.
    let cost = peak(|| assert!(from_slice_lenient::<&str>(&wire).is_err()));
    assert!(cost <= ERROR, "{cost} bytes");
    refusal_costs_at_most::<String>(ERROR, &wire);
}

/// A frame with this many bytes of payload.
fn frame(payload: usize) -> Vec<u8> {
    let header = Header {
        program: ProgramId::new(0x2000_8086, 1),
        procedure: 60,
        message_type: MessageType::CALL,
        serial: Serial(1),
        status: Status::OK,
    };
    let mut wire = Vec::new();
    let result = encode_frame(&mut wire, &header, |out| {
        out.raw(&vec![0; payload]);
        Ok(())
    });
    result.expect("not too long");
    wire
}

fn what_was_taken_is_given_back() {
    const ROOM: usize = 4096;
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

/// After a frame of 32 MiB was taken, `behind` is received in one of three ways; then at most `limit` bytes are held.
#[track_caller]
fn held_behind_a_large_frame(behind: &[u8], limit: usize) {
    const ROOM: usize = 4096;
    let large = frame((32 << 20) - 24 - 4);
    for way in ["with its end", "pushed", "read"] {
        let (now, later): (&[u8], &[u8]) = match way {
            "with its end" => (behind, &[]),
            _ => (&[], behind),
        };
        let before = MEMORY.current_usage();
        let mut decoder = FrameDecoder::new();
        for bytes in large.chunks(1 << 20) {
            decoder.push(bytes);
        }
        decoder.push(now);
        assert!(decoder.next_frame().expect("a valid length").is_some());
        assert!(decoder.capacity() >= 32 << 20);
        match way {
            "pushed" => decoder.push(later),
            "read" => {
                decoder.space(ROOM)[..later.len()].copy_from_slice(later);
                decoder.commit(later.len());
                assert!(decoder.next_frame().expect("a valid length").is_none());
            }
            _ => assert!(decoder.next_frame().expect("a valid length").is_none()),
        }
        let held = MEMORY.current_usage() - before;
        assert!(held <= limit, "{held} bytes for {behind:?}, {way}");
        assert_eq!(decoder.buffered(), behind.len());
    }
}

fn a_byte_behind_a_large_frame_does_not_keep_its_buffer() {
    let small = frame(0);
    for count in [1, 3, 4, 27] {
        held_behind_a_large_frame(&small[..count], 4096);
    }
    // Less than a quarter of the buffer will be used.
    held_behind_a_large_frame(&[0, 0x7f, 0xff, 0xff], 4096);
}

fn a_small_payload_does_not_keep_a_large_buffer() {
    let before = MEMORY.current_usage();
    let mut decoder = FrameDecoder::new();
    decoder.push(&[frame(1 << 20), frame(4)].concat());
    assert!(decoder.next_frame().expect("a valid length").is_some());
    let small = decoder.next_frame().expect("a valid length");
    let payload = small.expect("a whole frame").payload.into_bytes();
    drop(decoder);
    let held = MEMORY.current_usage() - before;
    assert_eq!((held, payload.len()), (4, 4));
}
