//! Limits that make no sense are clamped.

use virt_testkit::peer::soon;
use virt_tokio::{Limits, Options, StreamChunk};

use crate::support::{Ask, OWN, Tell, ask, ask_call, ask_reply, connected};

fn all(value: usize) -> Limits {
    let mut limits = Limits::default();
    limits.queued_bytes = value;
    limits.stream_bytes = value;
    limits.calls = value;
    limits.pings = value;
    limits.events = value;
    limits.commands = value;
    limits
}

#[tokio::test(start_paused = true)]
async fn a_connection_works_with_the_least_and_with_the_most() {
    for limits in [all(0), all(1), all(usize::MAX)] {
        let (client, mut peer) = connected(Options::default().limits(limits));
        let call = ask(&client, 7);
        peer.hears(&ask_call(1, 7)).await;
        peer.says(&ask_reply(1, 8)).await;
        assert_eq!(soon(call).await.unwrap().unwrap(), 8);

        soon(client.listen(OWN)).await.unwrap();
        let mut events = client.events();
        peer.says("00000020 20004242 00000001 00000002 00000002 00000000 00000000 00000005")
            .await;
        let event = soon(events.recv()).await.unwrap();
        assert_eq!(event.decode::<Tell>().unwrap(), Some(5));

        let (opened, ()) = tokio::join!(soon(client.call_with_stream::<Ask>(&7)), async {
            peer.hears(&ask_call(2, 7)).await;
            peer.says(&ask_reply(2, 8)).await;
            peer.says("0000001d 20004242 00000001 00000001 00000003 00000002 00000002 'x'")
                .await;
        });
        let (_, mut stream) = opened.unwrap();
        let item = soon(stream.recv()).await.unwrap();
        assert_eq!(item, Some(StreamChunk::Data("x".into())));
        soon(stream.send("y")).await.unwrap();
        peer.hears("0000001d 20004242 00000001 00000001 00000003 00000002 00000002 'y'")
            .await;
    }
}
