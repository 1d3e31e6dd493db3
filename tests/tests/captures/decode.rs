//! A frame in words, by the types that our crates have for it.

use std::fmt::Debug;

use virt_remote::{
    AuthList, ConnectClose, ConnectGetHostname, ConnectGetLibVersion, ConnectGetType,
    ConnectGetUri, ConnectGetVersion, ConnectListAllDomains, ConnectOpen,
    ConnectRegisterCloseCallback, ConnectSupportsFeature, ConnectUnregisterCloseCallback,
    DomainGetState, DomainLookupByName,
};
use virt_testkit::bytes::{PING, PONG};
use virt_transport::{CallProcedure, RemoteError};
use virt_xdr::{
    Decode, DecodeError, Encode, Frame, FrameDecoder, MessageType, Serial, Status, from_slice,
    to_vec,
};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Says what a frame is and what it carries.
pub(crate) fn decode(bytes: &[u8]) -> Result<String> {
    match bytes {
        PING => return Ok("PING".to_owned()),
        PONG => return Ok("PONG".to_owned()),
        _ => {}
    }
    let mut decoder = FrameDecoder::new();
    decoder.push(bytes);
    let Frame { header, payload } = decoder.next_frame()?.ok_or("a part of a frame")?;
    assert_eq!(header.program, virt_remote::PROGRAM);
    let payload = payload.as_slice();
    let Serial(serial) = header.serial;
    let (name, words) = match (header.message_type, header.status) {
        (MessageType::REPLY, Status::ERROR) => {
            let error: RemoteError = checked(payload)?;
            return Ok(format!("error {serial}: {error:#?}"));
        }
        (MessageType::CALL, Status::OK) => known(header.procedure, payload, false)?,
        (MessageType::REPLY, Status::OK) => known(header.procedure, payload, true)?,
        _ => return Err(format!("{header:?}").into()),
    };
    let kind = header.message_type;
    Ok(format!("{kind:?} {serial} {name}: {words}"))
}

/// The name of a procedure, and what it was called with or has returned.
fn known(procedure: i32, payload: &[u8], reply: bool) -> Result<(&'static str, String)> {
    macro_rules! one_of {
        ($($name:ident)*) => {
            match procedure {
                $($name::NUMBER => {
                    let words = if reply {
                        words::<<$name as CallProcedure>::Ret>(payload)?
                    } else {
                        words::<<$name as CallProcedure>::Args<'_>>(payload)?
                    };
                    Ok(($name::NAME, words))
                })*
                unknown => Err(format!("procedure {unknown} is not among them").into()),
            }
        };
    }
    one_of! {
        AuthList ConnectClose ConnectGetHostname ConnectGetLibVersion ConnectGetType ConnectGetUri
        ConnectGetVersion ConnectListAllDomains ConnectOpen ConnectRegisterCloseCallback
        ConnectSupportsFeature ConnectUnregisterCloseCallback DomainGetState DomainLookupByName
    }
}

fn words<'a, T: Debug + Decode<'a> + Encode>(payload: &'a [u8]) -> Result<String> {
    Ok(format!("{:?}", checked::<T>(payload)?))
}

/// A value that encodes to the bytes it came from.
fn checked<'a, T: Decode<'a> + Encode>(payload: &'a [u8]) -> Result<T> {
    let value: std::result::Result<T, DecodeError> = from_slice(payload);
    let value = value?;
    assert_eq!(to_vec(&value)?, payload);
    Ok(value)
}
