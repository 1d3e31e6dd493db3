//! The header, one line per word.

use virt_testkit::bytes::PING;
use virt_xdr::{
    Encode, FrameDecoder, Header, MessageType, ProgramId, Serial, Status, encode_frame, frame_head,
    from_slice, to_vec,
};

use crate::support::drain;

const DISTINCT: Header = Header {
    program: ProgramId::new(0x2000_8086, 0x0102_0304),
    procedure: -60,
    message_type: MessageType::REPLY,
    serial: Serial(0xfedc_ba98),
    status: Status::CONTINUE,
};

const DISTINCT_WIRE: [[u8; 4]; 6] = [
    [0x20, 0x00, 0x80, 0x86], // program
    [0x01, 0x02, 0x03, 0x04], // version
    [0xff, 0xff, 0xff, 0xc4], // procedure
    [0x00, 0x00, 0x00, 0x01], // type
    [0xfe, 0xdc, 0xba, 0x98], // serial
    [0x00, 0x00, 0x00, 0x02], // status
];

#[test]
fn word_by_word() {
    let wire = DISTINCT_WIRE.concat();
    assert_eq!(to_vec(&DISTINCT).unwrap(), wire);
    assert_eq!(DISTINCT.to_bytes(), wire.as_slice());
    assert_eq!(from_slice::<Header>(&wire).unwrap(), DISTINCT);
    assert_eq!(Header::SIZE, wire.len());
}

#[test]
fn a_frame_is_a_length_a_header_and_a_payload() {
    let mut wire = vec![0xee];
    encode_frame(&mut wire, &DISTINCT, |out| (-1i32).encode(out)).unwrap();
    let expected = [
        &[0xee][..],
        &[0x00, 0x00, 0x00, 0x20], // 4 + 24 + 4
        &DISTINCT_WIRE.concat(),
        &[0xff, 0xff, 0xff, 0xff],
    ];
    assert_eq!(wire, expected.concat());
    assert_eq!(frame_head(&DISTINCT, 4).unwrap(), wire[1..29]);
}

#[test]
fn a_ping() {
    let ping = Header {
        program: ProgramId::new(0x6b65_6570, 1),
        procedure: 1,
        message_type: MessageType::MESSAGE,
        serial: Serial(0),
        status: Status::OK,
    };
    let mut wire = Vec::new();
    encode_frame(&mut wire, &ping, |_| Ok(())).unwrap();
    assert_eq!(wire, PING);

    let mut decoder = FrameDecoder::new();
    decoder.push(PING);
    assert_eq!(drain(&mut decoder), [(ping, bytes::Bytes::new())]);
}

#[test]
fn the_types_of_message() {
    for (message_type, word) in [
        (MessageType::CALL, 0),
        (MessageType::REPLY, 1),
        (MessageType::MESSAGE, 2),
        (MessageType::STREAM, 3),
        (MessageType::CALL_WITH_FDS, 4),
        (MessageType::REPLY_WITH_FDS, 5),
        (MessageType::STREAM_HOLE, 6),
    ] {
        assert_eq!(message_type, MessageType(word));
        assert_eq!(to_vec(&message_type).unwrap(), word.to_be_bytes());
    }
}

#[test]
fn the_statuses() {
    for (status, word) in [(Status::OK, 0), (Status::ERROR, 1), (Status::CONTINUE, 2)] {
        assert_eq!(status, Status(word));
        assert_eq!(to_vec(&status).unwrap(), word.to_be_bytes());
    }
}

#[test]
fn unknown_types_and_statuses_decode() {
    let mut wire = DISTINCT_WIRE;
    wire[3] = [0, 0, 0, 7];
    wire[5] = [0xff; 4];
    let header: Header = from_slice(&wire.concat()).unwrap();
    assert_eq!(header.message_type, MessageType(7));
    assert_eq!(header.status, Status(-1));
    assert_eq!(to_vec(&header).unwrap(), wire.concat());
}

#[test]
fn every_type_and_status_that_is_known_has_its_name() {
    let types = MessageType::ALL.iter().map(|known| known.name());
    assert_eq!(
        types.collect::<Option<Vec<_>>>().unwrap(),
        [
            "CALL",
            "REPLY",
            "MESSAGE",
            "STREAM",
            "CALL_WITH_FDS",
            "REPLY_WITH_FDS",
            "STREAM_HOLE",
        ]
    );
    let statuses = Status::ALL.iter().map(|known| known.name());
    assert_eq!(
        statuses.collect::<Option<Vec<_>>>().unwrap(),
        ["OK", "ERROR", "CONTINUE"]
    );
}

#[test]
fn debug_names_what_is_known() {
    assert_eq!(format!("{:?}", MessageType::CALL_WITH_FDS), "CALL_WITH_FDS");
    assert_eq!(format!("{:?}", MessageType(7)), "MessageType(7)");
    assert_eq!(format!("{:?}", MessageType(-1)), "MessageType(-1)");
    assert_eq!(format!("{:?}", Status::OK), "OK");
    assert_eq!(format!("{:?}", Status(3)), "Status(3)");
    assert_eq!(
        format!("{DISTINCT:?}"),
        "Header { program: ProgramId(0x20008086, 16909060), procedure: -60, \
         message_type: REPLY, serial: Serial(4275878552), status: CONTINUE }"
    );
    assert_eq!(
        DISTINCT.program.to_string(),
        "program 0x20008086 version 16909060"
    );
}
