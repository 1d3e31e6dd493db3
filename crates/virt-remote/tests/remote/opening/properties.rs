//! Opening against replies of any kind: no panic, and an end.

use proptest::prelude::*;
use virt_remote::{AuthType, OpenOptions, Opening, Step};
use virt_transport::{ErrorCode, ErrorSource, RemoteError, ReplyError, Status};

/// Payloads that lead far, and any others.
fn reply() -> impl Strategy<Value = Result<Vec<u8>, ReplyError>> {
    let word = prop_oneof![
        Just([0, 0, 0, 0]),
        Just([0, 0, 0, 1]),
        Just([0, 0, 0, 2]),
        any::<[u8; 4]>()
    ];
    let payload = proptest::collection::vec(word, 0..5).prop_map(|words| Ok(words.concat()));
    let bytes = proptest::collection::vec(any::<u8>(), 0..100).prop_map(Ok);
    let remote = (
        prop_oneof![Just(3), Just(39), any::<i32>()],
        "(unknown procedure)?.{0,9}",
    );
    let remote = remote.prop_map(|(code, text)| {
        let error = RemoteError::new(ErrorCode(code), ErrorSource::RPC, text);
        Err(ReplyError::Remote(error))
    });
    let status = any::<i32>().prop_map(|status| {
        let status = Status(status);
        Err(ReplyError::Status { status })
    });
    prop_oneof![8 => payload, 2 => bytes, 2 => remote, 1 => status]
}

proptest! {
    /// AUTH_LIST, AUTH_POLKIT, CONNECT_SUPPORTS_FEATURE and CONNECT_OPEN: at most 4 calls.
    #[test]
    fn it_ends_after_four_calls_at_most(
        replies in proptest::collection::vec(reply(), 4),
        name in proptest::option::of(".{0,9}"),
        read_only: bool,
        keepalive: bool,
        auth in proptest::option::of((-1..4).prop_map(AuthType)),
    ) {
        let options = OpenOptions { name, read_only, keepalive, auth };
        let mut opening = Opening::new(options);
        let mut replies = replies.into_iter();
        let mut phase = opening.phase();
        loop {
            match opening.poll() {
                Ok(Step::Call(call)) => {
                    prop_assert!([1, 60, 66, 70].contains(&call.procedure));
                    let reply = replies.next();
                    prop_assert!(reply.is_some(), "a fifth call: {}", call.name);
                    opening.on_reply(reply.unwrap());
                }
                Ok(Step::Open(opened)) => {
                    prop_assert!(keepalive || !opened.keepalive);
                    break;
                }
                Ok(step) => prop_assert!(false, "{step:?}"),
                Err(error) => {
                    prop_assert!(!error.to_string().is_empty());
                    break;
                }
            }
            prop_assert!(phase <= opening.phase());
            phase = opening.phase();
        }
    }
}
