//! Descriptors, in both directions: one byte and one descriptor each, behind the frame that announces them.

mod refused;
mod returned;

use virt_testkit::transport::{Sent, assert_sends, carry, drain};
use virt_testkit::{hex, wire};
use virt_transport::{Need, Role, Transport};

use crate::support::{REMOTE, Recorder, client, log, server};
use crate::witness::{Witness, witnesses};

/// Takes the output of a transport, a line for each piece.
fn transcript(transport: &mut Transport) -> Vec<String> {
    let lines = drain(transport).into_iter().map(|sent| match sent {
        Sent::Bytes(bytes) => hex(&bytes),
        Sent::Fd(_) => "fd".into(),
    });
    lines.collect()
}

#[test]
fn a_call_has_the_count_before_its_arguments_and_the_descriptors_behind_the_frame() {
    let (mut client, handle) = client();
    let (mut watching, fds) = witnesses(2);
    client
        .with(&handle, |_, cx| cx.call_with_fds(60, &10, fds))
        .unwrap();
    assert_eq!((client.queued(), client.queued_fds()), (36, 2));

    let sent = drain(&mut client);
    let [Sent::Bytes(bytes), Sent::Fd(first), Sent::Fd(second)] = &sent[..] else {
        panic!("{sent:?}");
    };
    assert_eq!(
        hex(bytes),
        "00000024 20008086 00000001 0000003c 00000004 00000001 00000000 00000002 0000000a"
    );
    assert!(watching[0].recognises(first));
    assert!(watching[1].recognises(second));
    drop(sent);
    assert!(watching.iter_mut().all(Witness::is_closed));
}

#[test]
fn frames_and_descriptors_leave_in_the_order_in_which_they_were_sent() {
    let (mut client, handle) = client();
    let (_watching, mut fds) = witnesses(3);
    client.with(&handle, |_, cx| {
        cx.message(1, &()).unwrap();
        cx.call_with_fds(60, &(), vec![fds.pop().unwrap(), fds.pop().unwrap()])
            .unwrap();
        cx.message(2, &()).unwrap();
        cx.message(3, &()).unwrap();
        cx.call_with_fds(61, &(), vec![fds.pop().unwrap()]).unwrap();
    });
    assert_eq!(
        (client.queued(), client.queued_fds()),
        (28 + 32 + 28 + 28 + 32, 3)
    );
    assert_eq!(
        transcript(&mut client),
        [
            "0000001c 20008086 00000001 00000001 00000002 00000000 00000000 \
             00000020 20008086 00000001 0000003c 00000004 00000001 00000000 00000002",
            "fd",
            "fd",
            "0000001c 20008086 00000001 00000002 00000002 00000000 00000000 \
             0000001c 20008086 00000001 00000003 00000002 00000000 00000000 \
             00000020 20008086 00000001 0000003d 00000004 00000002 00000000 00000001",
            "fd",
        ]
    );
    assert_eq!((client.queued(), client.queued_fds()), (0, 0));
}

#[test]
fn a_frame_waits_for_its_descriptors_and_need_counts_them_down() {
    let (mut server, handle) = server();
    let (mut watching, mut fds) = witnesses(2);
    server
        .receive(&wire(
            "00000024 20008086 00000001 0000003c 00000004 00000001 00000000 00000002 0000000a",
        ))
        .unwrap();
    assert_eq!(server.need(), Need::Fds(2));
    server.receive_fd(fds.remove(0)).unwrap();
    assert_eq!(server.need(), Need::Fds(1));
    assert_eq!(log(&mut server, &handle), [""; 0]);
    // An empty read changes nothing.
    server.receive(&[]).unwrap();
    server.commit(0).unwrap();
    server.receive_fd(fds.remove(0)).unwrap();
    assert_eq!(server.need(), Need::Bytes(4));
    assert_eq!(
        log(&mut server, &handle),
        ["call 60 serial 1: 0000000a and 2 fds"]
    );
    server.with(&handle, |recorder, _| {
        assert!(watching[0].recognises(&recorder.fds[0]));
        assert!(watching[1].recognises(&recorder.fds[1]));
    });
}

#[test]
fn a_reply_brings_descriptors_back() {
    let (mut client, calls) = client();
    let (mut server, answers) = server();
    let (mut watching, fds) = witnesses(1);
    client.with(&calls, |_, cx| cx.call(60, &10)).unwrap();
    carry(&mut client, &mut server);
    server
        .with(&answers, |recorder, cx| {
            cx.reply_with_fds(recorder.calls.pop().unwrap(), &7, fds)
        })
        .unwrap();

    let sent = drain(&mut server);
    let Ok([Sent::Bytes(bytes), Sent::Fd(fd)]) = <[Sent; 2]>::try_from(sent) else {
        panic!("not one frame and one descriptor");
    };
    assert_eq!(
        hex(&bytes),
        "00000024 20008086 00000001 0000003c 00000005 00000001 00000000 00000001 00000007"
    );
    client.receive(&bytes).unwrap();
    assert_eq!(client.need(), Need::Fds(1));
    client.receive_fd(fd).unwrap();
    assert_eq!(
        log(&mut client, &calls),
        ["reply to 60 serial 1: 00000007 and 1 fds"]
    );
    client.with(&calls, |recorder, _| {
        assert!(watching[0].recognises(&recorder.fds[0]));
    });
}

#[test]
fn thirty_two_descriptors_travel_both_ways() {
    let (mut client, calls) = client();
    let (mut server, answers) = server();
    let (mut watching, fds) = witnesses(32);
    client
        .with(&calls, |_, cx| cx.call_with_fds(60, &(), fds))
        .unwrap();
    carry(&mut client, &mut server);
    assert_eq!(
        log(&mut server, &answers),
        ["call 60 serial 1:  and 32 fds"]
    );
    server
        .with(&answers, |recorder, cx| {
            let fds = std::mem::take(&mut recorder.fds);
            cx.reply_with_fds(recorder.calls.pop().unwrap(), &(), fds)
        })
        .unwrap();
    carry(&mut server, &mut client);
    assert_eq!(
        log(&mut client, &calls),
        ["reply to 60 serial 1:  and 32 fds"]
    );
    client.with(&calls, |recorder, _| {
        for (watching, fd) in watching.iter_mut().zip(&recorder.fds) {
            assert!(watching.recognises(fd));
        }
    });
}

#[test]
fn a_call_without_any_descriptors_may_still_be_of_the_type_that_has_them() {
    for carries in [true, false] {
        let mut server = Transport::new(Role::Server);
        let mut client = Transport::new(Role::Client);
        if carries {
            (server, client) = (server.with_fds(), client.with_fds());
        }
        let answers = server.register(Recorder::new(REMOTE)).unwrap();
        let calls = client.register(Recorder::new(REMOTE)).unwrap();
        client
            .with(&calls, |_, cx| cx.call_with_fds(60, &10, vec![]))
            .unwrap();
        assert_sends(
            &mut client,
            "00000024 20008086 00000001 0000003c 00000004 00000001 00000000 00000000 0000000a",
        );
        server
            .receive(&wire(
                "00000024 20008086 00000001 0000003c 00000004 00000001 00000000 00000000 0000000a",
            ))
            .unwrap();
        assert_eq!(log(&mut server, &answers), ["call 60 serial 1: 0000000a"]);
        server
            .with(&answers, |recorder, cx| {
                cx.reply_with_fds(recorder.calls.pop().unwrap(), &7, vec![])
            })
            .unwrap();
        carry(&mut server, &mut client);
        assert_eq!(log(&mut client, &calls), ["reply to 60 serial 1: 00000007"]);
    }
}

#[test]
fn an_error_reply_may_have_descriptors() {
    let (mut client, handle) = client();
    client.with(&handle, |_, cx| cx.call(60, &())).unwrap();
    client
        .receive(&wire(
            "0000004c 20008086 00000001 0000003c 00000005 00000001 00000001 00000001
             00000001 00000007 00000000 00000002 00000000
             00000000 00000000 00000000 00000000 00000000 00000000",
        ))
        .unwrap();
    assert_eq!(client.need(), Need::Fds(1));
    client.receive_fd(Witness::new().1).unwrap();
    assert_eq!(
        log(&mut client, &handle),
        ["reply to 60 serial 1: error, error code 1 without a message and 1 fds"]
    );
}

#[test]
fn descriptors_that_nobody_takes_are_closed() {
    // By a program that leaves them where they are; by a server that does not have the program.
    struct Careless;
    impl virt_transport::Program for Careless {
        fn id(&self) -> virt_transport::ProgramId {
            REMOTE
        }
    }
    let mut server = Transport::new(Role::Server).with_fds();
    server.register(Careless).unwrap();
    for program in ["20008086", "12345678"] {
        let (mut watching, fd) = Witness::new();
        server
            .receive(&wire(&format!(
                "00000020 {program} 00000001 0000003c 00000004 00000001 00000000 00000001"
            )))
            .unwrap();
        server.receive_fd(fd).unwrap();
        assert!(watching.is_closed());
        assert!(
            drain(&mut server)
                .iter()
                .all(|sent| matches!(sent, Sent::Bytes(_)))
        );
    }
}

#[test]
fn descriptors_that_are_not_sent_are_closed() {
    // With the transport.
    let (mut client, handle) = client();
    let (mut watching, fd) = Witness::new();
    client
        .with(&handle, |_, cx| cx.call_with_fds(60, &(), vec![fd]))
        .unwrap();
    assert!(!watching.is_closed());
    drop(client);
    assert!(watching.is_closed());

    // With the error that says why.
    let (mut client, handle) = crate::support::client();
    let (mut watching, fd) = Witness::new();
    let too_long = vec![0u8; virt_xdr::PAYLOAD_MAX];
    client
        .with(&handle, |_, cx| cx.call_with_fds(60, &too_long, vec![fd]))
        .unwrap_err();
    assert!(watching.is_closed());
    assert!(client.poll_transmit().is_none());
    assert_eq!((client.queued_fds(), client.counters().fds_sent), (0, 0));
}

#[test]
fn an_answer_with_too_many_descriptors_becomes_an_error_without_any() {
    let (mut server, handle) = server();
    server
        .receive(&wire(
            "0000001c 20008086 00000001 0000003c 00000000 00000001 00000000",
        ))
        .unwrap();
    let (mut watching, fds) = witnesses(33);
    let refused = server.with(&handle, |recorder, cx| {
        cx.reply_with_fds(recorder.calls.pop().unwrap(), &(), fds)
    });
    assert_eq!(
        refused.unwrap_err().to_string(),
        "33 descriptors, over the limit of 32"
    );
    assert!(watching.iter_mut().all(Witness::is_closed));
    assert_sends(
        &mut server,
        "000000a0 20008086 00000001 0000003c 00000001 00000001 00000001
         00000001 00000007 00000001 00000024 '33 descriptors, over the limit of 32'
         00000002 00000000 00000001 00000002 '%s' 0000
         00000001 00000024 '33 descriptors, over the limit of 32'
         00000000 ffffffff ffffffff 00000000",
    );
}
