//! The domains of the mock hypervisor: their bounds, their errors and their events.
#![allow(clippy::unwrap_used, clippy::result_large_err)]

use proptest::prelude::*;
use virt_remote::constants::{
    ConnectFlags, DomainDefineFlags, DomainEventId, DomainEventType, DomainXmlFlags,
};
use virt_remote::{
    ConnectDomainEventCallbackRegisterAnyArgs, ConnectOpenArgs, Domain, DomainDefineXmlArgs,
    DomainDefineXmlFlagsArgs, DomainEventLifecycleMsg, DomainGetXmlDescArgs, DomainGetXmlDescRet,
    DomainLookupByNameArgs, PROGRAM, Procedure, RemoteServer, TestHypervisor,
};
use virt_testkit::transport::drain_bytes;
use virt_transport::{ErrorCode, ErrorPayload, Handle, Role, Transport};
use virt_xdr::{
    Encode, Frame, FrameDecoder, Header, MessageType, Serial, Status, frame_head, from_slice,
    to_vec,
};

/// A client of a server with the mock hypervisor, open.
struct Client {
    transport: Transport,
    _program: Handle<RemoteServer>,
}

/// The answer to a call, or its error; and the messages before it.
type Answer = (Result<Vec<u8>, ErrorPayload>, Vec<(Procedure, Vec<u8>)>);

impl Client {
    fn open(flags: ConnectFlags) -> Self {
        let mut transport = Transport::new(Role::Server);
        let server = RemoteServer::new(TestHypervisor::default());
        let program = transport.register(server).unwrap();
        let mut client = Self {
            transport,
            _program: program,
        };
        let args = ConnectOpenArgs {
            name: Some("test:///default"),
            flags,
        };
        client.call(Procedure::CONNECT_OPEN, &args).0.unwrap();
        client
    }

    fn call(&mut self, procedure: Procedure, args: &impl Encode) -> Answer {
        let payload = to_vec(args).unwrap();
        let header = Header {
            program: PROGRAM,
            procedure: procedure.0,
            message_type: MessageType::CALL,
            serial: Serial(1),
            status: Status::OK,
        };
        let head = frame_head(&header, payload.len()).unwrap();
        self.transport.receive(&head).unwrap();
        self.transport.receive(&payload).unwrap();
        let mut decoder = FrameDecoder::new();
        decoder.push(&drain_bytes(&mut self.transport));
        let mut messages = Vec::new();
        while let Some(Frame {
            header, payload, ..
        }) = decoder.next_frame().unwrap()
        {
            let payload = payload.as_slice().to_vec();
            if header.message_type != MessageType::REPLY {
                messages.push((Procedure(header.procedure), payload));
            } else if header.status == Status::OK {
                return (Ok(payload), messages);
            } else {
                return (Err(from_slice(&payload).unwrap()), messages);
            }
        }
        panic!("no reply to {procedure:?}");
    }

    fn define(&mut self, xml: &str) -> Result<Domain, ErrorPayload> {
        let (answer, _) = self.call(Procedure::DOMAIN_DEFINE_XML, &DomainDefineXmlArgs { xml });
        Ok(from_slice(&answer?).unwrap())
    }

    fn test(&mut self) -> Domain {
        let args = DomainLookupByNameArgs { name: "test" };
        let (answer, _) = self.call(Procedure::DOMAIN_LOOKUP_BY_NAME, &args);
        from_slice(&answer.unwrap()).unwrap()
    }

    fn xml(&mut self, dom: &Domain) -> String {
        let args = DomainGetXmlDescArgs {
            dom: dom.clone(),
            flags: DomainXmlFlags(0),
        };
        let (answer, _) = self.call(Procedure::DOMAIN_GET_XML_DESC, &args);
        let answer: DomainGetXmlDescRet = from_slice(&answer.unwrap()).unwrap();
        answer.xml
    }
}

fn domain(name: &str) -> String {
    format!(
        "<domain type='test'><name>{name}</name><memory>1</memory><os><type>hvm</type></os></domain>"
    )
}

#[test]
fn domains_without_a_uuid_get_one_each_and_the_same_in_each_run() {
    let uuids = || {
        let mut client = Client::open(ConnectFlags(0));
        ["a", "b"].map(|name| client.define(&domain(name)).unwrap().uuid)
    };
    let [a, b] = uuids();
    assert_ne!(a, b);
    assert_eq!(uuids(), [a, b]);
    // Version 4, as those that libvirt makes.
    assert_eq!(a.as_bytes()[6] >> 4, 4);
}

#[test]
fn the_number_of_domains_and_the_size_of_their_xml_have_a_limit() {
    let mut client = Client::open(ConnectFlags(0));
    for number in 1..1024 {
        client.define(&domain(&number.to_string())).unwrap();
    }
    let error = client.define(&domain("more")).unwrap_err();
    assert_eq!(error.code, ErrorCode::OPERATION_FAILED);
    let message = error.message.unwrap();
    assert!(
        message.contains("no room for domain 'more': at most 1024"),
        "{message}"
    );

    let error = client.define(&" ".repeat(65_537)).unwrap_err();
    let message = error.message.unwrap();
    assert!(
        message.contains("65537 bytes") && message.contains("65536"),
        "{message}"
    );

    let error = client.define(&"<domain>".repeat(65)).unwrap_err();
    assert!(error.message.unwrap().contains("more than 64 elements"));
}

#[test]
fn the_xml_of_a_domain_defines_the_same_domain_elsewhere() {
    let mut client = Client::open(ConnectFlags(0));
    let test = client.test();
    let xml = client.xml(&test).replace(" id='1'", "");
    let copied = xml
        .replace(">test<", ">copy &amp; more<")
        .replace("193f", "1940");
    let copy = client.define(&copied).unwrap();
    assert_eq!(copy.name, "copy & more");
    assert_eq!(client.xml(&copy), copied);
}

#[test]
fn both_kinds_of_registration_get_each_event_before_the_reply() {
    let mut client = Client::open(ConnectFlags(0));
    client
        .call(Procedure::CONNECT_DOMAIN_EVENT_REGISTER, &())
        .0
        .unwrap();
    let again = client.call(
        Procedure::CONNECT_DOMAIN_EVENT_REGISTER_ANY,
        &DomainEventId::LIFECYCLE,
    );
    assert_eq!(again.0.unwrap_err().code, ErrorCode::INVALID_ARG);
    let args = ConnectDomainEventCallbackRegisterAnyArgs::<&str> {
        event_id: DomainEventId::LIFECYCLE,
        dom: None,
    };
    let any = Procedure::CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY;
    client.call(any, &args).0.unwrap();

    let test = client.test();
    let (_, events) = client.call(Procedure::DOMAIN_DESTROY, &test);
    let [(older, event), (newer, _)] = &events[..] else {
        panic!("two events: {events:?}");
    };
    assert_eq!(*older, Procedure::DOMAIN_EVENT_LIFECYCLE);
    assert_eq!(*newer, Procedure::DOMAIN_EVENT_CALLBACK_LIFECYCLE);
    let event: DomainEventLifecycleMsg = from_slice(event).unwrap();
    assert_eq!(
        (event.dom.id, event.event, event.detail),
        (-1, DomainEventType::STOPPED, 1)
    );

    client
        .call(Procedure::CONNECT_DOMAIN_EVENT_DEREGISTER, &())
        .0
        .unwrap();
    let (_, events) = client.call(Procedure::DOMAIN_CREATE, &test);
    assert_eq!(events.len(), 1);
}

#[test]
fn a_read_only_client_changes_nothing() {
    let mut client = Client::open(ConnectFlags::RO);
    let test = client.test();
    for procedure in [
        Procedure::DOMAIN_CREATE,
        Procedure::DOMAIN_DESTROY,
        Procedure::DOMAIN_SHUTDOWN,
        Procedure::DOMAIN_SUSPEND,
        Procedure::DOMAIN_RESUME,
        Procedure::DOMAIN_UNDEFINE,
    ] {
        let error = client.call(procedure, &test).0.unwrap_err();
        assert_eq!(error.code, ErrorCode::OPERATION_DENIED, "{procedure:?}");
    }
    let error = client.define(&domain("a")).unwrap_err();
    assert_eq!(error.code, ErrorCode::OPERATION_DENIED);
    assert_eq!(client.test(), test);
}

#[test]
fn unknown_flags_are_named() {
    let mut client = Client::open(ConnectFlags(0));
    let args = DomainDefineXmlFlagsArgs {
        xml: "",
        flags: DomainDefineFlags(0x11),
    };
    let answer = client.call(Procedure::DOMAIN_DEFINE_XML_FLAGS, &args);
    let message = answer.0.unwrap_err().message.unwrap();
    assert_eq!(
        message,
        "unsupported flags (0x10) in function testDomainDefineXMLFlags"
    );
}

proptest! {
    #[test]
    fn no_text_in_place_of_xml_is_more_than_an_error(
        parts in prop::collection::vec(prop_oneof![
            Just("<domain type='test'>"), Just("</domain>"), Just("<name>"), Just("</name>"), Just("<"),
            Just("&"), Just(";"), Just("&#x41;"), Just("&#0;"), Just("<!--"), Just("-->"), Just("<![CDATA["),
            Just("]]>"), Just("<?"), Just("?>"), Just("a='"), Just("'"), Just("\""), Just("\n"), Just("é"),
            Just("<memory unit='TiB'>18446744073709551615</memory>"), Just("/>"), Just("<os><type>hvm</type></os>"),
        ], 0..24),
        any in ".{0,40}",
    ) {
        let mut client = Client::open(ConnectFlags(0));
        let _ = client.define(&parts.concat());
        let _ = client.define(&any);
        let _ = client.define(&domain(&any));
        let _ = client.test();
    }
}
