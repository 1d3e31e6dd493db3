//! Values are read as libvirt's C code does: any bool that is not 0, any padding, and nothing behind a value counts.

use virt_remote::{
    ConnectGetHostname, ConnectOpen, Domain, DomainLookupByName, DomainLookupByNameArgs,
    RemoteServer, TestHypervisor,
};
use virt_testkit::peer::{Peer, soon};
use virt_tokio::{CallError, Options, Server, ServerOptions, StreamChunk};
use virt_transport::{CallProcedure, ErrorCode, RemoteError, ReplyError};
use virt_xdr::Text;

use crate::support::{Ask, OWN, Tell, ask_call, ask_reply, connected, hostname, hostname_call};

/// Has the daemon reply to the call of a host name.
async fn hostname_from(options: Options, reply: &str) -> Result<String, CallError> {
    let (client, mut peer) = connected(options);
    let call = hostname(&client);
    peer.hears(&hostname_call(1)).await;
    peer.says(reply).await;
    soon(call).await.unwrap()
}

/// Has the daemon refuse that call.
async fn refusal(error: &str) -> RemoteError {
    match hostname_from(Options::default(), error).await {
        Err(CallError::Reply(ReplyError::Remote(error))) => error,
        result => panic!("no refusal but {result:?}"),
    }
}

const DIRTY: &str = "00000028 20008086 00000001 0000003b 00000001 00000001 00000000 \
     00000006 'answer' ffff";
const TRAILING: &str = "0000002c 20008086 00000001 0000003b 00000001 00000001 00000000 \
     00000006 'answer' 0000 00000000";

#[tokio::test(start_paused = true)]
async fn a_call_with_another_bool_than_1_opens_a_connection() {
    for open in [
        "00000038 20008086 00000001 00000001 00000000 00000001 00000000 \
         01000000 0000000f 'test:///default' 00 00000000",
        "00000038 20008086 00000001 00000001 00000000 00000001 00000000 \
         00000002 0000000f 'test:///default' ff 00000000",
        "0000003c 20008086 00000001 00000001 00000000 00000001 00000000 \
         00000001 0000000f 'test:///default' 00 00000000 ffffffff",
    ] {
        let (ours, theirs) = tokio::io::duplex(1024);
        let served = Server::over_stream(ours, ServerOptions::default(), |transport, _| {
            transport.register(RemoteServer::new(TestHypervisor::default()))
        });
        let (_server, _) = served.unwrap();
        let mut peer = Peer(theirs);
        peer.says(open).await;
        peer.hears("0000001c 20008086 00000001 00000001 00000001 00000001 00000000")
            .await;
    }
    assert_eq!(ConnectOpen::NUMBER, 1);
}

#[tokio::test(start_paused = true)]
async fn a_reply_with_dirty_padding_or_trailing_bytes_is_read() {
    for reply in [DIRTY, TRAILING] {
        let name = hostname_from(Options::default(), reply).await;
        assert_eq!(name.unwrap(), "answer");
    }
}

#[tokio::test(start_paused = true)]
async fn a_strict_client_refuses_both() {
    for (reply, why) in [(DIRTY, "padding"), (TRAILING, "trailing")] {
        let refused = hostname_from(Options::default().strict(true), reply).await;
        let error = refused.unwrap_err().to_string();
        assert!(error.contains(why), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_in_any_of_these_forms_keeps_its_code_and_message() {
    for (form, error) in [
        (
            "trailing bytes",
            "00000058 20008086 00000001 0000003b 00000001 00000001 00000001 \
             0000002a 0000000c 00000001 00000007 'missing' 00 00000002 00000000 \
             00000000 00000000 00000000 00000000 00000000 00000000 ffffffff",
        ),
        (
            "dirty padding",
            "00000054 20008086 00000001 0000003b 00000001 00000001 00000001 \
             0000002a 0000000c 00000001 00000007 'missing' ff 00000002 00000000 \
             00000000 00000000 00000000 00000000 00000000 00000000",
        ),
        (
            "a bool of 2",
            "00000054 20008086 00000001 0000003b 00000001 00000001 00000001 \
             0000002a 0000000c 00000002 00000007 'missing' 00 00000002 00000000 \
             00000000 00000000 00000000 00000000 00000000 00000000",
        ),
    ] {
        let error = refusal(error).await;
        assert_eq!(error.code(), ErrorCode::NO_DOMAIN, "{form}");
        assert_eq!(error.message(), "missing", "{form}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_event_with_trailing_bytes_is_read() {
    let (client, mut peer) = connected(Options::default());
    let mut events = client.events();
    soon(client.listen(OWN)).await.unwrap();
    peer.says("00000024 20004242 00000001 00000002 00000002 00000000 00000000 00000007 ffffffff")
        .await;
    let event = soon(events.recv()).await.unwrap();
    assert_eq!(event.decode::<Tell>().unwrap(), Some(7));
}

#[tokio::test(start_paused = true)]
async fn a_hole_with_trailing_bytes_is_read() {
    let (client, mut peer) = connected(Options::default());
    let (opened, ()) = tokio::join!(soon(client.call_with_stream::<Ask>(&7)), async {
        peer.hears(&ask_call(1, 7)).await;
        peer.says(&ask_reply(1, 8)).await;
        peer.says(
            "0000002c 20004242 00000001 00000001 00000006 00000001 00000002 \
             00000000 00001000 00000000 ffffffff",
        )
        .await;
    });
    let (_, mut stream) = opened.unwrap();
    let hole = soon(stream.recv()).await.unwrap();
    assert_eq!(hole, Some(StreamChunk::Hole(4096)));
}

/// A call for the domain with a name that is not UTF-8, and the reply.
const LOOKUP: &str = "00000024 20008086 00000001 00000017 00000000 00000001 00000000 \
     00000003 6261d000";
const FOUND: &str = "00000038 20008086 00000001 00000017 00000001 00000001 00000000 \
     00000003 6261d000 00*16 00000001";

#[tokio::test(start_paused = true)]
async fn a_string_that_is_not_utf_8_is_text_with_a_replacement() {
    let reply = "00000024 20008086 00000001 0000003b 00000001 00000001 00000000 00000001 ff000000";
    let name = hostname_from(Options::default(), reply).await;
    assert_eq!(name.unwrap(), "\u{fffd}");
}

#[tokio::test(start_paused = true)]
async fn a_string_that_is_not_utf_8_is_kept_both_ways_by_a_call_that_chooses_text() {
    let (client, mut peer) = connected(Options::default());
    let name = Text::from(b"ba\xd0".to_vec());
    let args = DomainLookupByNameArgs { name: &name };
    let call = client.call_as::<DomainLookupByName, Domain<Text>>(&args);
    let (found, ()) = tokio::join!(soon(call), async {
        peer.hears(LOOKUP).await;
        peer.says(&FOUND.replace("00*16", &"00000000 ".repeat(4)))
            .await;
    });
    assert_eq!(found.unwrap().name.as_bytes(), b"ba\xd0");
    assert_eq!(ConnectGetHostname::NUMBER, 0x3b);
}
