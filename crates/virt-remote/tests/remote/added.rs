//! Procedures that are added to a server, one by one.

use virt_protocol::Uuid;
use virt_remote::{
    AuthType, ConnectGetHostname, Domain, DomainLookupByName, PROGRAM, Procedure, RemoteServer,
};
use virt_transport::{
    Call, CallProcedure, Context, ErrorCode, ErrorSource, ProgramId, RemoteError, StreamId,
};

use crate::support::{Echo, Server, hypervisor};

/// `DOMAIN_GET_XML_DESC`, as a user who has no types for it would write it.
struct DomainGetXmlDesc;

impl CallProcedure for DomainGetXmlDesc {
    const PROGRAM: ProgramId = PROGRAM;
    const NUMBER: i32 = Procedure::DOMAIN_GET_XML_DESC.0;
    const NAME: &'static str = "DOMAIN_GET_XML_DESC";
    type Args<'a> = Domain<&'a str>;
    type Ret = String;
}

fn xml() -> RemoteServer {
    RemoteServer::new(hypervisor()).serve::<DomainGetXmlDesc>(|dom, _| match dom.name {
        "test" => Ok(format!("<id>{}</id>", dom.id)),
        name => Err(RemoteError::new(
            ErrorCode::NO_DOMAIN,
            ErrorSource::TEST,
            name,
        )),
    })
}

const OPEN: &str = r#"
> 00000024 20008086 00000001 00000001 00000000 00000000 00000000 00000000 00000000
< 0000001c 20008086 00000001 00000001 00000001 00000000 00000000
"#;
const XML: &str = r#"
> 0000003c 20008086 00000001 0000000e 00000000 00000001 00000000
  "test" 00000000 00000000 00000000 00000000 00000001 00000000
"#;
const RETURNS: &str = r#"
< 0000002c 20008086 00000001 0000000e 00000001 00000001 00000000 "<id>1</id>"
"#;
const NOT_OPEN: &str = r#"
< 000000b8 20008086 00000001 0000000e 00000001 00000001 00000001
  00000001 00000007 00000001 "internal error: hypervisor connection not open" 00000002 00000000
  00000001 "internal error: %s" 00000001 "hypervisor connection not open" 00000000 ffffffff ffffffff 00000000
"#;
const REQUIRED: &str = r#"
< 00000088 20008086 00000001 0000000e 00000001 00000001 00000001
  00000027 00000007 00000001 "authentication required" 00000002 00000000
  00000001 "%s" 00000001 "authentication required" 00000000 ffffffff ffffffff 00000000
"#;
const SHORT: &str = r#"
> 00000020 20008086 00000001 0000000e 00000000 00000001 00000000 00000004
"#;
const UNDECODABLE: &str = r#"
< 00000098 20008086 00000001 0000000e 00000001 00000001 00000001
  00000027 00000007 00000001 "Unable to decode message payload" 00000002 00000000
  00000001 "%s" 00000001 "Unable to decode message payload" 00000000 ffffffff ffffffff 00000000
"#;

#[test]
fn it_is_answered_once_the_hypervisor_is_open() {
    Server::new(xml()).plays(&[XML, NOT_OPEN, OPEN, XML, RETURNS].concat());
}

#[test]
fn its_payload_is_judged_after_authentication_and_before_open() {
    Server::new(xml()).plays(&[SHORT, UNDECODABLE, OPEN, SHORT, UNDECODABLE].concat());
    let mut demanding = Server::new(xml().demand_auth([AuthType::SASL]));
    demanding.plays(&[SHORT, REQUIRED, XML, REQUIRED].concat());
}

#[test]
fn its_error_is_the_reply() {
    Server::new(xml()).plays(
        &[
            OPEN,
            r#"
> 00000038 20008086 00000001 0000000e 00000000 00000001 00000000
  "vm" 00000000 00000000 00000000 00000000 00000001
< 00000060 20008086 00000001 0000000e 00000001 00000001 00000001
  0000002a 0000000c 00000001 "vm" 00000002 00000000
  00000001 "%s" 00000001 "vm" 00000000 ffffffff ffffffff 00000000
"#,
        ]
        .concat(),
    );
}

#[test]
fn the_hypervisor_goes_on_serving_the_rest() {
    let lookup = r#"
> 00000024 20008086 00000001 00000017 00000000 00000001 00000000 "test"
< 00000038 20008086 00000001 00000017 00000001 00000001 00000000
  "test" 6695eb01 f6a48304 79aa97f2 502e193f 00000001
"#;
    Server::new(xml()).plays(&[OPEN, lookup, XML, RETURNS].concat());
}

#[test]
fn it_replaces_one_of_the_hypervisor_and_one_that_was_added_before() {
    let named = |id| {
        move |name: &str| Domain {
            name: name.to_owned(),
            uuid: Uuid::default(),
            id,
        }
    };
    let (first, second) = (named(1), named(2));
    let server = RemoteServer::new(hypervisor())
        .serve::<DomainLookupByName>(move |args, _| Ok(first(args.name)))
        .serve::<DomainLookupByName>(move |args, _| Ok(second(args.name)));
    Server::new(server).plays(
        &[
            OPEN,
            r#"
> 00000024 20008086 00000001 00000017 00000000 00000001 00000000 "any"
< 00000038 20008086 00000001 00000017 00000001 00000001 00000000
  "any" 00000000 00000000 00000000 00000000 00000002
"#,
        ]
        .concat(),
    );
}

#[test]
fn a_closure_may_keep_state_and_send_events() {
    let mut calls = 0;
    let server = xml().serve::<DomainGetXmlDesc>(move |_, cx| {
        calls += 1;
        cx.message(Procedure::DOMAIN_EVENT_LIFECYCLE, &calls)?;
        Ok(calls.to_string())
    });
    Server::new(server).plays(
        &[
            OPEN,
            XML,
            r#"
< 00000020 20008086 00000001 0000006b 00000002 00000000 00000000 00000001
< 00000024 20008086 00000001 0000000e 00000001 00000001 00000000 "1"
"#,
            XML,
            r#"
< 00000020 20008086 00000001 0000006b 00000002 00000000 00000000 00000002
< 00000024 20008086 00000001 0000000e 00000001 00000001 00000000 "2"
"#,
        ]
        .concat(),
    );
}

#[test]
fn a_raw_handler_has_the_streams_of_its_procedure() {
    let server = RemoteServer::new(hypervisor()).serve_raw(Procedure::DOMAIN_OPEN_CONSOLE, Echo);
    Server::new(server).plays(
        &[
            OPEN,
            "
> 0000001c 20008086 00000001 000000c9 00000000 00000002 00000000
< 0000001c 20008086 00000001 000000c9 00000001 00000002 00000000
> 00000024 20008086 00000001 000000c9 00000003 00000002 00000002 01234567 89abcdef
< 00000024 20008086 00000001 000000c9 00000003 00000002 00000002 01234567 89abcdef
> 0000001c 20008086 00000001 000000c9 00000003 00000002 00000000
< 0000001c 20008086 00000001 000000c9 00000003 00000002 00000000
",
        ]
        .concat(),
    );
}

#[test]
fn a_raw_closure_is_called_once_the_hypervisor_is_open() {
    let server = RemoteServer::new(hypervisor()).serve_raw(
        Procedure::DOMAIN_GET_XML_DESC,
        |call: Call<'_>, cx: &mut Context<'_>| Ok(cx.reply(call.id, &"<id>1</id>")?),
    );
    let mut server = Server::new(server);
    server.plays(&[SHORT, NOT_OPEN, OPEN, SHORT, RETURNS].concat());
}

#[test]
fn streams_of_procedures_without_streams_are_dropped() {
    let closure = |call: Call<'_>, cx: &mut Context<'_>| {
        cx.open_stream(StreamId::from(&call.id))?;
        Ok(cx.reply(call.id, &"<id>1</id>")?)
    };
    let raw = RemoteServer::new(hypervisor()).serve_raw(Procedure::DOMAIN_GET_XML_DESC, closure);
    let piece = "> 00000020 20008086 00000001 0000000e 00000003 00000001 00000002 01234567\n";
    Server::new(raw).plays(&[OPEN, SHORT, RETURNS, piece].concat());

    let mut typed = Server::new(xml());
    typed.plays(&[OPEN, XML, RETURNS].concat());
    let id = StreamId {
        procedure: DomainGetXmlDesc::NUMBER,
        serial: virt_xdr::Serial(1),
    };
    typed.with(|_, cx| cx.open_stream(id)).unwrap();
    typed.plays(piece);
}

#[test]
#[should_panic(expected = "procedure 59 is the server's own")]
fn a_procedure_of_the_server_cannot_be_replaced() {
    let _ = xml().serve::<ConnectGetHostname>(|(), _| unreachable!());
}
