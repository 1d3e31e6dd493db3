//! Raw bytes: however they are fed, the same frames and the same error come out, the error stays, `need` is
//! true, and the memory was paid for.

#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_fuzz::frames::{Feed, Owned, Take, feed, next};
use virt_fuzz::memory;
use virt_xdr::{FRAME_MAX, FRAME_MIN, FrameDecoder, FrameError};

type Outcome = (Vec<Owned>, Option<FrameError>);

fuzz_target!(|data: &[u8]| {
    // Looking at a frame keeps nothing of it but its copy; 4 KiB for small frames and the vector.
    let at_once = memory::bounded(8 * data.len() + 4096, || {
        whole(data, Feed::Push, Take::Look)
    });
    assert_eq!(at_once, whole(data, Feed::Space(9), Take::IntoBytes));
    assert_eq!(at_once, as_needed(data, Feed::Push, Take::IntoBytes));
    assert_eq!(at_once, as_needed(data, Feed::Space(0), Take::Look));
    let rest = &data[taken(&at_once)..];
    assert_eq!(at_once.1.is_some(), is_bad_length(rest));
});

/// Feeds everything, then takes all frames.
fn whole(data: &[u8], how: Feed, take: Take) -> Outcome {
    let mut decoder = FrameDecoder::new();
    feed(&mut decoder, how, data);
    let outcome = drain(&mut decoder, take);
    match outcome.1 {
        Some(error) => assert_sticks(&mut decoder, error),
        None => assert_eq!(decoder.buffered(), data.len() - taken(&outcome)),
    }
    outcome
}

/// Feeds what is needed at a time, so that the decoder never holds a byte of two frames.
fn as_needed(mut data: &[u8], how: Feed, take: Take) -> Outcome {
    let mut decoder = FrameDecoder::new();
    let mut frames = Vec::new();
    let mut largest = 0;
    loop {
        let need = decoder.need();
        let (now, later) = data.split_at(need.min(data.len()));
        feed(&mut decoder, how, now);
        data = later;
        largest = largest.max(decoder.buffered());
        // What is taken without a copy leaves a buffer of up to 64 KiB at its last size.
        assert!(decoder.capacity() <= 4 * largest + 1024);
        match next(&mut decoder, take) {
            Ok(Some(frame)) => {
                assert!(need > 0 && now.len() == need && decoder.buffered() == 0);
                frames.push(frame);
            }
            Ok(None) if now.len() < need => return (frames, None),
            Ok(None) => assert!(decoder.need() > 0),
            Err(error) => {
                assert_sticks(&mut decoder, error);
                return (frames, Some(error));
            }
        }
    }
}

fn drain(decoder: &mut FrameDecoder, take: Take) -> Outcome {
    let mut frames = Vec::new();
    loop {
        match next(decoder, take) {
            Ok(Some(frame)) => frames.push(frame),
            Ok(None) => return (frames, None),
            Err(error) => return (frames, Some(error)),
        }
    }
}

fn assert_sticks(decoder: &mut FrameDecoder, error: FrameError) {
    for how in [Feed::Push, Feed::Space(1)] {
        feed(decoder, how, &[0, 0, 0, 28]);
        assert_eq!(decoder.next_frame().err(), Some(error));
        assert_eq!((decoder.need(), decoder.buffered()), (0, 0));
    }
}

/// The size of the frames in bytes.
fn taken((frames, _): &Outcome) -> usize {
    frames
        .iter()
        .map(|(_, payload)| FRAME_MIN + payload.len())
        .sum()
}

fn is_bad_length(rest: &[u8]) -> bool {
    rest.first_chunk().is_some_and(|&length| {
        let length = u32::from_be_bytes(length) as usize;
        !(FRAME_MIN..=FRAME_MAX).contains(&length)
    })
}
