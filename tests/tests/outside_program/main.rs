//! A program of 40 lines, made with the public API alone, calls, is called, streams and passes descriptors.

#![cfg(unix)]

mod program;

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use virt_testkit::transport::carry;
use virt_transport::{Role, StreamId, Transport};

use program::Copier;

/// The one procedure it has.
const COPY: i32 = 1;

#[test]
fn it_calls_is_called_streams_and_passes_descriptors() {
    let mut server = Transport::new(Role::Server).with_fds();
    let mut client = Transport::new(Role::Client).with_fds();
    server.register(Copier::default()).unwrap();
    let copier = client.register(Copier::default()).unwrap();

    let (mut near, far) = UnixStream::pair().unwrap();
    let text = "as long as it is wide";
    let stream = client.with(&copier, |_, cx| {
        let serial = cx.call_with_fds(COPY, &text, vec![far.into()]).unwrap();
        let stream = StreamId {
            procedure: COPY,
            serial,
        };
        cx.open_stream(stream).unwrap();
        stream
    });
    carry(&mut client, &mut server);
    carry(&mut server, &mut client);

    client.with(&copier, |copier, cx| {
        assert_eq!(copier.length, Some(Ok(21)));
        assert_eq!(copier.text, text.as_bytes());
        cx.finish_stream(stream).unwrap();
        // The descriptor is the one that went there.
        let far = copier.fds.pop().expect("the descriptor came back");
        UnixStream::from(far.into_owned())
            .write_all(b"the same")
            .unwrap();
    });
    let mut written = String::new();
    near.read_to_string(&mut written).unwrap();
    assert_eq!(written, "the same");

    // The client finishes the stream, the server confirms.
    carry(&mut client, &mut server);
    carry(&mut server, &mut client);
    assert_eq!((client.open_streams(), server.open_streams()), (0, 0));
    assert_eq!(
        (client.waiting_calls(), client.counters().frames_dropped),
        (0, 0)
    );
    assert_eq!(server.counters().frames_dropped, 0);
}

#[test]
fn a_text_that_does_not_decode_is_refused() {
    let mut server = Transport::new(Role::Server);
    let mut client = Transport::new(Role::Client);
    server.register(Copier::default()).unwrap();
    let copier = client.register(Copier::default()).unwrap();
    client.with(&copier, |_, cx| cx.call(COPY, &7)).unwrap();
    carry(&mut client, &mut server);
    carry(&mut server, &mut client);
    let length = client
        .with(&copier, |copier, _| copier.length.take())
        .unwrap();
    let error = length.expect_err("a refusal");
    assert_eq!(error.to_string(), "Unable to decode message payload");
}

#[test]
fn it_has_at_most_forty_lines() {
    assert!(include_str!("program.rs").lines().count() <= 40);
}
