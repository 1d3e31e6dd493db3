//! Valid frames, cut, fed and taken in any way: the same frames come out.

#![no_main]

use arbitrary::Arbitrary;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use virt_fuzz::frames::{Feed, Owned, Take, append, feed, next};
use virt_xdr::{FrameDecoder, Header};

#[derive(Debug, Arbitrary)]
struct Input<'a> {
    frames: Vec<(Header, &'a [u8])>,
    cuts: Vec<Cut>,
}

#[derive(Debug, Clone, Copy, Arbitrary)]
struct Cut {
    length: u16,
    feed: Feed,
    take: Take,
    /// The number of frames taken before the next bytes come.
    frames: u8,
    shrink: bool,
}

fuzz_target!(|input: Input<'_>| {
    let mut wire = Vec::new();
    let mut sent: Vec<Owned> = Vec::new();
    for (header, payload) in input.frames {
        append(&mut wire, &header, payload);
        sent.push((header, Bytes::copy_from_slice(payload)));
    }

    let last = Cut {
        length: u16::MAX,
        feed: Feed::Push,
        take: Take::IntoBytes,
        frames: u8::MAX,
        shrink: false,
    };
    let mut rest = wire.as_slice();
    let mut received = Vec::new();
    let mut decoder = FrameDecoder::new();
    for cut in input.cuts.into_iter().chain(std::iter::repeat(last)) {
        let (now, later) = rest.split_at(rest.len().min(cut.length.into()));
        feed(&mut decoder, cut.feed, now);
        rest = later;
        if cut.shrink {
            decoder.shrink_to_fit();
        }
        for _ in 0..cut.frames {
            received.extend(next(&mut decoder, cut.take).expect("the frames are valid"));
        }
        if rest.is_empty() && received.len() >= sent.len() {
            break;
        }
    }
    assert_eq!(received, sent);
    assert_eq!((decoder.buffered(), decoder.need()), (0, 4));
});
