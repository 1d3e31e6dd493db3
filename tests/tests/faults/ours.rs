//! Both ends are ours, and descriptors go both ways. It needs no libvirt.

use std::fs::File;
use std::os::unix::fs::MetadataExt;

use virt_tests::{Follow, Link, Place, Refuse, Return, Served, Tell, Told, Trick};
use virt_tokio::{CallError, Client, EventError, StreamChunk};
use virt_transport::{Fd, ReplyError};

use crate::clients;
use crate::left::{Before, assert_closed};
use crate::{HARMLESS, LENGTH, PROGRAM, Result, SERIAL, SERVER, corruptions, faults};

/// Opening takes three frames in each direction; the first call, and so the first reply, has descriptors.
const WITH_DESCRIPTORS: usize = 3;

#[test]
fn nothing_is_lost_or_mistaken_between_two_ends_of_ours_behind_any_fault() -> Result {
    let before = Before::count()?;
    let mut server = Served::start(SERVER, 0, 0)?;
    let (unix, tcp) = (&server.target(Link::Unix), &server.target(Link::Tcp));
    let held = server.process().descriptors()?;

    let tricks = [&HARMLESS[..], &[Trick::Cut, Trick::Stop]].concat();
    let places = [
        (0, Place::START),
        (0, Place::HEADER),
        (1, Place::PAYLOAD),
        (2, Place::HEADER),
        (WITH_DESCRIPTORS, Place::LENGTH),
        (WITH_DESCRIPTORS, Place::PAYLOAD),
        (4, Place::START),
        (4, Place::PAYLOAD),
        (5, Place::LENGTH),
        (6, Place::HEADER),
    ];
    let mut all = faults(&tricks, &places, &places);
    all.extend(corruptions(&[LENGTH, PROGRAM, SERIAL], &[0, 1, 4]));
    clients::run(tcp, &all, |client| calls(client, 0))?;
    let behind = [(WITH_DESCRIPTORS, Place::END)];
    all.extend(faults(&tricks, &behind, &behind));
    clients::run(unix, &all, |client| calls(client, 3))?;

    assert_closed(server.process(), held)?;
    drop(server);
    before.assert_nothing_left()
}

/// A call of each kind, all at once; each gives back what only it was given.
async fn calls(client: Client, fds: usize) -> Vec<std::result::Result<(), CallError>> {
    let (fds, identities) = descriptors(fds);
    // Descriptors come first, and then what a stream and an event add to it.
    let (returned, followed, told, refused) = tokio::join!(
        client.call_with_fds::<Return>(&"descriptors", fds),
        follow(&client),
        tell(&client),
        client.call::<Refuse>(&"refused"),
    );
    let returned = returned.map(|(text, fds)| {
        assert_eq!(text, "descriptors");
        let back: Vec<_> = fds
            .into_iter()
            .map(|fd| identity(&fd.into_owned().into()))
            .collect();
        assert_eq!(back, identities);
    });
    let refused = match refused {
        Err(CallError::Reply(ReplyError::Remote(error))) => {
            assert_eq!(error.message(), "refused");
            Ok(())
        }
        other => other.map(|text| panic!("{text:?} was returned")),
    };
    vec![returned, followed, told, refused]
}

/// Sends a stream and takes what comes back of it.
async fn follow(client: &Client) -> std::result::Result<(), CallError> {
    const PIECES: usize = 20;
    let (text, mut stream) = client.call_with_stream::<Follow>(&"stream").await?;
    assert_eq!(text, "stream");
    for piece in 1..=PIECES {
        stream.send(vec![b'x'; piece]).await?;
    }
    stream.sender().finish().await?;
    let mut lengths = Vec::new();
    while let Some(chunk) = stream.recv().await? {
        match chunk {
            StreamChunk::Data(data) => lengths.push(data.len()),
            chunk @ StreamChunk::Hole(_) => panic!("{chunk:?} came after {lengths:?}"),
        }
    }
    assert_eq!(lengths, Vec::from_iter(1..=PIECES));
    Ok(())
}

/// Causes an event and takes it.
async fn tell(client: &Client) -> std::result::Result<(), CallError> {
    let mut events = client.events();
    assert_eq!(client.call::<Tell>(&"event").await?, "event");
    match events.recv().await {
        Ok(event) => {
            let told = event.decode::<Told>().expect("it is what was sent");
            assert_eq!(told.as_deref(), Some("event"));
            Ok(())
        }
        Err(EventError::Closed) => Err(client.closed().await.into()),
        Err(error) => panic!("{error}"),
    }
}

/// Distinguishable files, and their identities.
fn descriptors(count: usize) -> (Vec<Fd>, Vec<(u64, u64)>) {
    let files = ["/dev/null", "/dev/zero", "/dev/full"].map(|path| File::open(path).expect(path));
    let files: Vec<_> = files.into_iter().take(count).collect();
    let identities = files.iter().map(identity).collect();
    (files.into_iter().map(Fd::from).collect(), identities)
}

fn identity(file: &File) -> (u64, u64) {
    let meta = file.metadata().expect("it is open");
    (meta.dev(), meta.ino())
}
