//! The end of a connection, and the end of a hypervisor.

use virt_remote::constants::ConnectCloseReason;

use crate::support::Server;

const OPEN: &str = r#"
> 00000038 20008086 00000001 00000001 00000000 00000000 00000000 00000001 "test:///default" 00000000
< 0000001c 20008086 00000001 00000001 00000001 00000000 00000000
"#;
const REGISTER: &str = "
> 0000001c 20008086 00000001 00000168 00000000 00000001 00000000
< 0000001c 20008086 00000001 00000168 00000001 00000001 00000000
";
const UNREGISTER: &str = "
> 0000001c 20008086 00000001 00000169 00000000 00000002 00000000
< 0000001c 20008086 00000001 00000169 00000001 00000002 00000000
";

#[test]
fn a_registered_client_is_told_the_reason() {
    let mut server = Server::test();
    server.plays(&[OPEN, REGISTER].concat());
    for (reason, word) in [
        (ConnectCloseReason::ERROR, "00000000"),
        (ConnectCloseReason::EOF, "00000001"),
        (ConnectCloseReason::KEEPALIVE, "00000002"),
        (ConnectCloseReason::CLIENT, "00000003"),
    ] {
        server
            .with(|server, cx| server.close_event(cx, reason))
            .unwrap();
        let event = "< 00000020 20008086 00000001 0000016a 00000002 00000000 00000000";
        server.plays(&[event, word].join(" "));
    }
}

#[test]
fn an_unregistered_client_is_not_told() {
    let mut server = Server::test();
    for transcript in [OPEN, REGISTER, UNREGISTER] {
        server.plays(transcript);
        if transcript != REGISTER {
            server
                .with(|server, cx| server.close_event(cx, ConnectCloseReason::ERROR))
                .unwrap();
        }
    }
    server.with(|_, cx| assert_eq!(cx.queued(), 0));
}

#[test]
fn nothing_is_answered_behind_the_reply_to_closing() {
    let mut server = Server::test();
    server.plays(OPEN);
    assert!(server.with(|server, _| !server.is_closed()));
    server.plays(
        "> 0000001c 20008086 00000001 00000002 00000000 00000001 00000000\n\
         < 0000001c 20008086 00000001 00000002 00000001 00000001 00000000\n\
         > 0000001c 20008086 00000001 0000003b 00000000 00000002 00000000\n\
         > 0000001c 20008086 00000001 000f423f 00000000 00000003 00000000",
    );
    assert!(server.with(|server, _| server.is_closed()));
}
