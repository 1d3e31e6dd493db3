//! The methods of a client: what they send, and what they make of replies.

use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use virt_protocol::constants::{DomainConsoleFlags, DomainState, DomainXmlFlags};
use virt_protocol::remote::{Domain, Remote};
use virt_protocol::{Client, Request, Response, TypedParams, Uuid};
use virt_xdr::{DecodeError, EncodeError, Text};

/// A client that notes its requests, and has one reply for all of them.
struct Scripted {
    requests: Mutex<Vec<Request>>,
    reply: &'static [u8],
}

#[derive(Debug)]
enum Error {
    Encode(EncodeError),
    Decode(DecodeError),
}

impl From<EncodeError> for Error {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<DecodeError> for Error {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl Client for Scripted {
    type Error = Error;
    type Stream = &'static str;

    async fn exchange(&self, request: Request) -> Result<Response<Self::Stream>, Error> {
        let stream = request.opens_stream.then_some("the stream");
        self.requests.lock().unwrap().push(request);
        Ok(Response {
            payload: self.reply.into(),
            fds: Vec::new(),
            stream,
        })
    }
}

impl Scripted {
    fn new(reply: &'static [u8]) -> Self {
        Self {
            requests: Mutex::default(),
            reply,
        }
    }

    fn only_request(self) -> Request {
        let mut requests = self.requests.into_inner().unwrap();
        assert_eq!(requests.len(), 1);
        requests.remove(0)
    }
}

/// Runs a future that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("the client replies at once"),
    }
}

fn web1<S: From<&'static str>>() -> Domain<S> {
    Domain {
        name: "web1".into(),
        uuid: Uuid([7; 16]),
        id: -1,
    }
}

const WEB1: &[u8] = b"\0\0\0\x04web1\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\x07\xff\xff\xff\xff";

#[test]
fn a_result_of_one_field_is_that_field() {
    let client = Scripted::new(WEB1);
    assert_eq!(ready(client.domain_lookup_by_name("web1")).unwrap(), web1());
    let request = client.only_request();
    assert_eq!(
        (request.procedure, request.name),
        (23, "DOMAIN_LOOKUP_BY_NAME")
    );
    assert_eq!(request.args, b"\0\0\0\x04web1");
}

#[test]
fn arguments_are_flat_and_flags_are_typed() {
    let client = Scripted::new(b"\0\0\0\x04<x/>");
    let flags = DomainXmlFlags::INACTIVE | DomainXmlFlags::SECURE;
    let xml = ready(client.domain_get_xml_desc(&web1::<String>(), flags)).unwrap();
    assert_eq!(xml, "<x/>");
    assert_eq!(client.only_request().args, [WEB1, b"\0\0\0\x03"].concat());
}

#[test]
fn names_that_are_not_utf_8_can_be_arguments() {
    let client = Scripted::new(b"");
    let domain = Domain {
        name: Text::from(&b"\xff"[..]),
        ..web1()
    };
    ready(client.domain_suspend(&domain)).unwrap();
    assert!(
        client
            .only_request()
            .args
            .starts_with(b"\0\0\0\x01\xff\0\0\0\x07")
    );
}

#[test]
fn a_list_that_returns_its_length_is_the_list() {
    let client = Scripted::new(b"\0\0\0\0\0\0\0\0");
    assert_eq!(
        ready(client.connect_list_all_domains(Default::default())).unwrap(),
        []
    );
    // The list is asked for, and not only its length.
    assert_eq!(client.only_request().args, b"\0\0\0\x01\0\0\0\0");
}

#[test]
fn several_fields_are_a_struct_and_unknown_values_are_kept() {
    let client = Scripted::new(b"\0\0\0\x63\0\0\0\x01");
    let state = ready(client.domain_get_state(&web1::<String>())).unwrap();
    assert_eq!((state.state, state.reason), (DomainState(0x63), 1));
    assert_eq!(format!("{:?}", state.state), "DomainState(99)");
}

#[test]
fn a_call_opens_its_stream() {
    let client = Scripted::new(b"");
    let flags = DomainConsoleFlags::FORCE;
    let stream = ready(client.domain_open_console(&web1::<String>(), None, flags)).unwrap();
    assert_eq!(stream, "the stream");
    let request = client.only_request();
    assert!(request.opens_stream);
    assert_eq!(request.args, [WEB1, b"\0\0\0\0\0\0\0\x01"].concat());
}

#[test]
fn a_text_over_its_bound_is_not_sent() {
    let client = Scripted::new(b"");
    let name = "x".repeat(4_194_305);
    let Err(Error::Encode(error)) = ready(client.domain_lookup_by_name(&name)) else {
        panic!("the bound is 4 MiB");
    };
    assert_eq!(
        error.to_string(),
        "DomainLookupByNameArgs.name: length 4194305 is 1 over the limit of 4194304 (at byte 0)"
    );
    assert!(client.requests.into_inner().unwrap().is_empty());
}

#[test]
fn a_name_of_a_parameter_that_is_too_long_is_not_sent() {
    let client = Scripted::new(b"");
    let set = |length| {
        let params = TypedParams::new().with("x".repeat(length), 1);
        ready(client.domain_set_memory_parameters(&web1::<String>(), &params, Default::default()))
    };
    set(79).unwrap();
    let Err(Error::Encode(error)) = set(80) else {
        panic!("the C library takes 79 bytes");
    };
    assert!(
        error
            .to_string()
            .contains("length 80 is 1 over the limit of 79"),
        "{error}"
    );
}

#[test]
fn a_reply_that_does_not_decode_is_an_error() {
    let client = Scripted::new(b"\0\0\0\x09web1");
    let reply = ready(client.domain_get_os_type(&web1::<String>()));
    let Err(Error::Decode(error)) = reply else {
        panic!("the text ends early: {reply:?}");
    };
    assert!(
        error.to_string().contains("DomainGetOsTypeRet.type"),
        "{error}"
    );
}
