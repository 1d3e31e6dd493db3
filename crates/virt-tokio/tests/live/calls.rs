//! Calls: each gets its own reply, whatever comes of the others.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use virt_remote::{ConnectGetHostname, ConnectOpen, ConnectOpenArgs};
use virt_testkit::peer::{Peer, soon};
use virt_testkit::words::{PING, PONG};
use virt_tokio::{CallError, Limits, Options};
use virt_transport::{ReplyError, SendError};

use crate::support::{
    Ask, SECOND, ask, ask_call, ask_reply, connected, every, hostname, hostname_call,
    hostname_reply, opened,
};

/// Numbers that look random and are the same each time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

fn in_flight(calls: usize) -> Options {
    let mut limits = Limits::default();
    limits.calls = calls;
    Options::default().limits(limits)
}

#[tokio::test(start_paused = true)]
async fn replies_may_come_in_any_order() {
    let (client, mut peer) = connected(Options::default());
    let calls = [10, 20, 30].map(|number| ask(&client, number));
    for (serial, number) in [(1, 10), (2, 20), (3, 30)] {
        peer.hears(&ask_call(serial, number)).await;
    }
    for (serial, number) in [(3, 31), (1, 11), (2, 21)] {
        peer.says(&ask_reply(serial, number)).await;
    }
    for (call, number) in calls.into_iter().zip([11, 21, 31]) {
        assert_eq!(soon(call).await.unwrap().unwrap(), number);
    }
}

#[tokio::test(start_paused = true)]
async fn calls_of_two_programs_share_the_serials() {
    let (client, mut peer) = connected(Options::default());
    let (asked, named) = (ask(&client, 7), hostname(&client));
    peer.hears(&ask_call(1, 7)).await;
    peer.hears(&hostname_call(2)).await;
    peer.says(&hostname_reply(2)).await;
    peer.says(&ask_reply(1, 8)).await;
    assert_eq!(soon(asked).await.unwrap().unwrap(), 8);
    assert_eq!(soon(named).await.unwrap().unwrap(), "host");
}

#[tokio::test(start_paused = true)]
async fn a_message_a_stream_or_a_hole_with_its_serial_is_no_reply() {
    let (client, mut peer) = connected(Options::default());
    let call = ask(&client, 7);
    peer.hears(&ask_call(1, 7)).await;
    peer.says("00000020 20004242 00000001 00000001 00000002 00000001 00000000 00000063")
        .await;
    peer.says("00000020 20004242 00000001 00000001 00000003 00000001 00000002 00000063")
        .await;
    peer.says(
        "00000028 20004242 00000001 00000001 00000006 00000001 00000002 00000000 00000063 00000000",
    )
    .await;
    peer.says(&ask_reply(1, 8)).await;
    assert_eq!(soon(call).await.unwrap().unwrap(), 8);
}

/// Answers each number with the next one, out of order, and with PINGs in between, until `calls` are answered.
async fn answer(peer: &mut Peer, calls: usize, dice: &mut Dice) {
    let mut waiting = VecDeque::new();
    let mut answered = 0;
    while answered < calls {
        while let Ok(frame) = timeout(Duration::from_millis(1), peer.frame()).await {
            if frame.len() == 32 {
                waiting.push_back(frame);
            }
        }
        if dice.below(5) == 0 {
            peer.says(PING).await;
        }
        let Some(mut reply) = waiting.swap_remove_back(dice.below(waiting.len().max(1))) else {
            continue;
        };
        // Of type reply, with the next number.
        reply[19] = 1;
        let number = u32::from_be_bytes(reply[28..].try_into().unwrap());
        reply[28..].copy_from_slice(&(number + 1).to_be_bytes());
        peer.says(
            &reply
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>(),
        )
        .await;
        answered += 1;
    }
}

#[tokio::test(start_paused = true)]
async fn a_thousand_calls_at_once_get_their_own_replies() {
    for limit in [1, 4, 1000] {
        let (client, mut peer) = connected(in_flight(limit));
        let calls: Vec<_> = (0..1000).map(|number| ask(&client, number)).collect();
        answer(&mut peer, 1000, &mut Dice(1)).await;
        for (call, number) in calls.into_iter().zip(1..) {
            assert_eq!(soon(call).await.unwrap().unwrap(), number);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn cancelling_a_third_of_them_changes_nothing_for_the_rest() {
    let mut dice = Dice(2);
    let (client, mut peer) = connected(in_flight(4));
    let mut calls: Vec<_> = (0..1000).map(|number| Some(ask(&client, number))).collect();
    let mut cancelled = 0;
    let answers = tokio::spawn(async move {
        answer(&mut peer, usize::MAX, &mut Dice(3)).await;
    });
    while cancelled < 333 {
        // Some wait for their turn, some are in flight, some have their reply.
        sleep(Duration::from_millis(dice.below(4).try_into().unwrap())).await;
        if let Some(call) = calls[dice.below(1000)].take() {
            call.abort();
            cancelled += 1;
        }
    }
    let mut answered = 0;
    for (call, number) in calls.into_iter().zip(1..) {
        if let Some(call) = call {
            assert_eq!(soon(call).await.unwrap().unwrap(), number);
            answered += 1;
        }
    }
    assert_eq!(answered, 667);
    let waiting = soon(client.with_transport(|transport| transport.waiting_calls())).await;
    assert!(waiting.unwrap() <= 4);
    answers.abort();
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_is_dropped_and_shifts_no_other() {
    let (client, mut peer) = connected(Options::default().call_timeout(SECOND));
    let start = Instant::now();
    let error = soon(ask(&client, 1)).await.unwrap().unwrap_err();
    assert_eq!(start.elapsed(), SECOND);
    assert_eq!(error.to_string(), "sent, but no reply within 1 s");
    assert!(matches!(
        error,
        CallError::Timeout {
            after: SECOND,
            sent: true
        }
    ));

    let second = ask(&client, 2);
    peer.hears(&ask_call(1, 1)).await;
    peer.hears(&ask_call(2, 2)).await;
    peer.says(&ask_reply(1, 101)).await;
    peer.says(&ask_reply(2, 102)).await;
    assert_eq!(soon(second).await.unwrap().unwrap(), 102);
}

#[tokio::test(start_paused = true)]
async fn four_are_in_flight_and_a_reply_makes_room_for_the_next() {
    let (client, mut peer) = connected(Options::default());
    let calls: Vec<_> = (0..6).map(|number| ask(&client, number)).collect();
    for number in 0..4 {
        peer.hears(&ask_call(number + 1, number)).await;
    }
    peer.hears_nothing_for(SECOND).await;

    // A daemon still works on a call whose caller has gone.
    calls[0].abort();
    calls[1].abort();
    peer.hears_nothing_for(SECOND).await;

    peer.says(&ask_reply(1, 0)).await;
    peer.hears(&ask_call(5, 4)).await;
    peer.hears_nothing_for(SECOND).await;
    peer.says(&ask_reply(4, 3)).await;
    peer.hears(&ask_call(6, 5)).await;
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_goes_while_it_waits_leaves_no_call() {
    let (client, mut peer) = connected(in_flight(1));
    let _first = ask(&client, 1);
    let second = ask(&client, 2);
    let _third = ask(&client, 3);
    peer.hears(&ask_call(1, 1)).await;
    second.abort();
    peer.says(&ask_reply(1, 0)).await;
    peer.hears(&ask_call(2, 3)).await;
}

#[tokio::test(start_paused = true)]
async fn the_time_limit_counts_the_wait_for_the_turn() {
    let (client, mut peer) = connected(in_flight(1).call_timeout(SECOND));
    let start = Instant::now();
    let (first, second) = (ask(&client, 1), ask(&client, 2));
    let error = soon(first).await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Timeout { .. }), "{error}");
    let error = soon(second).await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Busy { limit: 1, .. }), "{error}");
    assert_eq!(start.elapsed(), SECOND);
    peer.hears(&ask_call(1, 1)).await;
    peer.hears_nothing_for(SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_timeout_says_whether_the_call_was_sent() {
    let (client, mut peer) = connected(in_flight(4).call_timeout(SECOND));
    let hung: Vec<_> = (1..=4).map(|number| ask(&client, number)).collect();
    for number in 1..=4 {
        peer.hears(&ask_call(number, number)).await;
    }
    let healthy = ask(&client, 5);
    for call in hung {
        let error = soon(call).await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "sent, but no reply within 1 s");
        assert!(matches!(error, CallError::Timeout { sent: true, .. }));
    }
    let error = soon(healthy).await.unwrap().unwrap_err();
    assert!(matches!(error, CallError::Busy { limit: 4, .. }), "{error}");
    // It never is.
    peer.says(&ask_reply(1, 1)).await;
    peer.hears_nothing_for(SECOND).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_refused_says_why_and_the_connection_goes_on() {
    let (client, mut peer) = connected(Options::default());
    let call = ask(&client, 7);
    peer.hears(&ask_call(1, 7)).await;
    // Code 39, domain 7, a message, level 2; what follows is what libvirt's RPC layer sends.
    peer.says(
        "00000088 20004242 00000001 00000001 00000001 00000001 00000001 \
         00000027 00000007 00000001 00000017 'authentication required' 00 00000002 00000000 \
         00000001 00000002 '%s' 0000 00000001 00000017 'authentication required' 00 \
         00000000 ffffffff ffffffff 00000000",
    )
    .await;
    match soon(call).await.unwrap() {
        Err(CallError::Reply(ReplyError::Remote(error))) => {
            assert_eq!(error.code().0, 39);
            assert_eq!(error.message(), "authentication required");
        }
        result => panic!("{result:?}"),
    }
    peer.says(PING).await;
    peer.hears(PONG).await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_makes_no_sense_fails_its_call_alone() {
    let (client, mut peer) = connected(Options::default().strict(true));
    for (serial, (reply, expected)) in (1..).zip([
        // Of another procedure.
        (
            "00000020 20004242 00000001 00000002 00000001 SERIAL 00000000 00000063",
            "reply of procedure 2 to a call of procedure 1",
        ),
        // With a status that only streams have.
        (
            "00000020 20004242 00000001 00000001 00000001 SERIAL 00000002 00000063",
            "reply with status 2, must be 0 or 1",
        ),
        // Without the number.
        (
            "0000001c 20004242 00000001 00000001 00000001 SERIAL 00000000",
            "reply does not decode: ",
        ),
        // With more than the number.
        (
            "00000024 20004242 00000001 00000001 00000001 SERIAL 00000000 00000063 00000000",
            "reply does not decode: ",
        ),
        // With an error that breaks off.
        (
            "00000020 20004242 00000001 00000001 00000001 SERIAL 00000001 00000027",
            "reply does not decode: ",
        ),
    ]) {
        let call = ask(&client, 7);
        peer.hears(&ask_call(serial, 7)).await;
        peer.says(&reply.replace("SERIAL", &format!("{serial:08x}")))
            .await;
        let error = soon(call).await.unwrap().unwrap_err();
        assert!(matches!(error, CallError::Reply(_)), "{error}");
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    peer.says(PING).await;
    peer.hears(PONG).await;
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_sent_is_not_and_takes_no_turn() {
    let (client, mut peer) = connected(in_flight(1));
    let name = "x".repeat(4 * 1024 * 1024 + 1);
    let open = ConnectOpenArgs {
        name: Some(name.as_str()),
        flags: virt_remote::constants::ConnectFlags::default(),
    };
    let error = soon(client.call::<ConnectOpen>(&open)).await.unwrap_err();
    assert!(
        matches!(error, CallError::Send(SendError::Encode(_))),
        "{error}"
    );

    let call = ask(&client, 7);
    peer.hears(&ask_call(1, 7)).await;
    peer.says(&ask_reply(1, 8)).await;
    assert_eq!(soon(call).await.unwrap().unwrap(), 8);
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn descriptors_do_not_go_over_such_a_connection() {
    let (client, mut peer) = connected(in_flight(1));
    let fds = vec![virt_testkit::transport::null()];
    let error = soon(client.call_with_fds::<Ask>(&1, fds))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 descriptors on a connection that carries none"
    );
    let _call = ask(&client, 7);
    assert_eq!(soon(peer.frame()).await[19], 0, "an ordinary call");
}

#[tokio::test(start_paused = true)]
async fn a_program_whose_number_is_taken_cannot_be_called() {
    struct KeepAliveMode;
    impl virt_transport::CallProcedure for KeepAliveMode {
        const PROGRAM: virt_transport::ProgramId = virt_transport::ProgramId::new(0x6b65_6570, 1);
        const NUMBER: i32 = 1;
        const NAME: &'static str = "PING";
        type Args<'a> = ();
        type Ret = ();
    }
    let (client, mut peer) = connected(in_flight(1));
    let error = soon(client.call::<KeepAliveMode>(&())).await.unwrap_err();
    assert!(matches!(error, CallError::Taken(_)), "{error}");
    let call = ask(&client, 7);
    peer.hears(&ask_call(1, 7)).await;
    peer.says(&ask_reply(1, 8)).await;
    assert_eq!(soon(call).await.unwrap().unwrap(), 8);
}

#[tokio::test(start_paused = true)]
async fn large_arguments_and_large_results_pass() {
    let (client, mut peer) = opened(every(SECOND, 1)).await;
    let name = "x".repeat(1024 * 1024);
    let open = ConnectOpenArgs {
        name: Some(name.as_str()),
        flags: virt_remote::constants::ConnectFlags::default(),
    };
    let (result, ()) = tokio::join!(soon(client.call::<ConnectOpen>(&open)), async {
        let call = peer.frame().await;
        assert_eq!(call.len(), 28 + 4 + 4 + 1024 * 1024 + 4);
        peer.says("0000001c 20008086 00000001 00000001 00000001 00000004 00000000")
            .await;
    });
    result.unwrap();
    let (result, ()) = tokio::join!(soon(client.call::<ConnectGetHostname>(&())), async {
        peer.hears(&hostname_call(5)).await;
        let head = "00100020 20008086 00000001 0000003b 00000001 00000005 00000000 00100000";
        peer.says(&format!("{head} '{name}'")).await;
    });
    assert_eq!(result.unwrap().hostname, name);
}
