//! Promises of the public types beside their behaviour: size, `Send` and `Sync`, and texts.

use std::error::Error;

use virt_xdr::{
    DecodeError, DecodeErrorKind, Decoder, EncodeError, EncodeErrorKind, Encoder, Frame,
    FrameDecoder, FrameError, Header, MessageType, Payload, ProgramId, Serial, Status, Text,
};

/// An error that goes anywhere an error can go.
fn goes_anywhere<E: Error + Clone + Send + Sync + 'static>() {}

fn send_sync<T: Send + Sync + 'static>() {}

fn send_sync_borrowed<T: Send + Sync>() {}

#[test]
fn errors_are_small() {
    let pointer = size_of::<usize>();
    assert_eq!(size_of::<DecodeError>(), pointer);
    assert_eq!(size_of::<EncodeError>(), pointer);
    assert_eq!(size_of::<Result<(), EncodeError>>(), pointer);
    assert_eq!(size_of::<FrameError>(), 2 * pointer);
    assert!(size_of::<DecodeErrorKind>() <= 3 * pointer);
    assert!(size_of::<EncodeErrorKind>() <= 3 * pointer);
}

#[test]
fn errors_go_anywhere() {
    goes_anywhere::<DecodeError>();
    goes_anywhere::<DecodeErrorKind>();
    goes_anywhere::<EncodeError>();
    goes_anywhere::<EncodeErrorKind>();
    goes_anywhere::<FrameError>();
}

#[test]
fn public_types_are_send_and_sync() {
    send_sync::<FrameDecoder>();
    send_sync::<Header>();
    send_sync::<MessageType>();
    send_sync::<ProgramId>();
    send_sync::<Serial>();
    send_sync::<Status>();
    send_sync::<Text>();
    send_sync_borrowed::<Frame<'_>>();
    send_sync_borrowed::<Payload<'_>>();
    send_sync_borrowed::<Decoder<'_>>();
    send_sync_borrowed::<Encoder<'_>>();
}

#[test]
fn errors_print_every_part() {
    let kind = DecodeErrorKind::Bool { value: 2 };
    let error = DecodeError::new(kind, 8).at("Domain.active");
    assert_eq!(
        format!("{error:?}"),
        "DecodeError { kind: Bool { value: 2 }, offset: 8, field: Some(\"Domain.active\") }"
    );
    assert_eq!(
        error.to_string(),
        "Domain.active: bool is 2, must be 0 or 1 (at byte 8)"
    );

    let kind = EncodeErrorKind::TooDeep { limit: 128 };
    let error = EncodeError::new(kind, 0);
    assert_eq!(
        format!("{error:?}"),
        "EncodeError { kind: TooDeep { limit: 128 }, offset: 0, field: None }"
    );
    assert_eq!(error.to_string(), kind.to_string() + " (at byte 0)");
}

#[test]
fn a_kind_that_a_caller_made_up_prints() {
    let kind = DecodeErrorKind::TooLong {
        length: 1,
        limit: 8,
    };
    assert_eq!(kind.to_string(), "length 1 is 0 over the limit of 8");
}
