//! The duties of a hypervisor, and those that the server relieves it of.

use virt_remote::constants::ConnectFlags;
use virt_remote::{
    AuthType, CallHandler, Hypervisor, Procedure, RemoteServer, TestHypervisor, Version,
};
use virt_transport::{
    Call, Context, ErrorCode, ErrorSource, ProgramError, RemoteError, StreamFrame, StreamId,
};
use virt_xdr::Serial;

use crate::support::{Echo, Server};

/// Opens for who can only read. If it is asked to, it serves `CONNECT_GET_MAX_VCPUS` on top, and as
/// `DOMAIN_OPEN_CONSOLE` a stream that sends back what comes.
struct Small {
    serves: bool,
}

impl Hypervisor for Small {
    fn open(&mut self, name: Option<&str>, flags: ConnectFlags) -> Result<String, RemoteError> {
        if flags != ConnectFlags::RO {
            let message = "this one can only be read";
            return Err(RemoteError::new(ErrorCode::RPC, ErrorSource::RPC, message));
        }
        Ok(name.unwrap_or("small:///").to_owned())
    }

    fn type_name(&self) -> &str {
        "SMALL"
    }

    fn version(&self) -> Version {
        Version::new(1, 2, 3)
    }

    fn lib_version(&self) -> Version {
        Version::new(4, 5, 6)
    }

    fn hostname(&self) -> &str {
        "smallest"
    }

    fn serves(&self, procedure: Procedure) -> bool {
        let known = [
            Procedure::CONNECT_GET_MAX_VCPUS,
            Procedure::DOMAIN_OPEN_CONSOLE,
        ];
        self.serves && known.contains(&procedure)
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        if Procedure(call.id.procedure()) == Procedure::CONNECT_GET_MAX_VCPUS {
            return Ok(cx.reply(call.id, &16)?);
        }
        Echo.on_call(call, cx)
    }

    fn on_stream(
        &mut self,
        stream: StreamFrame<'_>,
        cx: &mut Context<'_>,
    ) -> Result<(), ProgramError> {
        Echo.on_stream(stream, cx)
    }
}

const OPEN: &str = "
> 00000024 20008086 00000001 00000001 00000000 00000000 00000000 00000000 00000001
< 0000001c 20008086 00000001 00000001 00000001 00000000 00000000
";
const CALL: &str = "> 0000001c 20008086 00000001 00000005 00000000 00000001 00000000\n";
const RETURNS: &str = "< 00000020 20008086 00000001 00000005 00000001 00000001 00000000 00000010\n";
const CONSOLE: &str = "
> 0000001c 20008086 00000001 000000c9 00000000 00000002 00000000
< 0000001c 20008086 00000001 000000c9 00000001 00000002 00000000
> 00000024 20008086 00000001 000000c9 00000003 00000002 00000002 01234567 89abcdef
< 00000024 20008086 00000001 000000c9 00000003 00000002 00000002 01234567 89abcdef
";
const FINISH: &str = "> 0000001c 20008086 00000001 000000c9 00000003 00000002 00000000\n";
const FINISHED: &str = "< 0000001c 20008086 00000001 000000c9 00000003 00000002 00000000\n";
const CLOSE: &str = "
> 0000001c 20008086 00000001 00000002 00000000 00000003 00000000
< 0000001c 20008086 00000001 00000002 00000001 00000003 00000000
";
const UNKNOWN: &str = r#"
< 00000080 20008086 00000001 00000005 00000001 00000001 00000001
  00000027 00000007 00000001 "unknown procedure: 5" 00000002 00000000
  00000001 "%s" 00000001 "unknown procedure: 5" 00000000 ffffffff ffffffff 00000000
"#;
const NOT_OPEN: &str = r#"
< 000000b8 20008086 00000001 00000005 00000001 00000001 00000001
  00000001 00000007 00000001 "internal error: hypervisor connection not open" 00000002 00000000
  00000001 "internal error: %s" 00000001 "hypervisor connection not open" 00000000 ffffffff ffffffff 00000000
"#;
const REQUIRED: &str = r#"
< 00000088 20008086 00000001 00000005 00000001 00000001 00000001
  00000027 00000007 00000001 "authentication required" 00000002 00000000
  00000001 "%s" 00000001 "authentication required" 00000000 ffffffff ffffffff 00000000
"#;

#[test]
fn it_says_what_it_is() {
    Server::new(RemoteServer::new(Small { serves: false })).plays(
        r#"
> 00000024 20008086 00000001 00000001 00000000 00000000 00000000 00000000 00000000
< 00000090 20008086 00000001 00000001 00000001 00000000 00000001
  00000027 00000007 00000001 "this one can only be read" 00000002 00000000
  00000001 "%s" 00000001 "this one can only be read" 00000000 ffffffff ffffffff 00000000
> 00000024 20008086 00000001 00000001 00000000 00000001 00000000 00000000 00000001
< 0000001c 20008086 00000001 00000001 00000001 00000001 00000000
> 0000001c 20008086 00000001 00000003 00000000 00000002 00000000
< 00000028 20008086 00000001 00000003 00000001 00000002 00000000 "SMALL"
> 0000001c 20008086 00000001 00000004 00000000 00000003 00000000
< 00000024 20008086 00000001 00000004 00000001 00000003 00000000 00000000 000f4a13
> 0000001c 20008086 00000001 0000009d 00000000 00000004 00000000
< 00000024 20008086 00000001 0000009d 00000001 00000004 00000000 00000000 003d1c8e
> 0000001c 20008086 00000001 0000003b 00000000 00000005 00000000
< 00000028 20008086 00000001 0000003b 00000001 00000005 00000000 "smallest"
> 0000001c 20008086 00000001 0000006e 00000000 00000006 00000000
< 0000002c 20008086 00000001 0000006e 00000001 00000006 00000000 "small:///"
"#,
    );
}

#[test]
fn it_has_no_features_unless_it_says_so_but_those_of_the_server() {
    let mut server = Server::new(RemoteServer::new(Small { serves: false }));
    server.plays(OPEN);
    for (feature, supported) in [(8, 0), (9, 0), (10, 1), (14, 0), (15, 1), (16, 0), (255, 0)] {
        server.plays(&format!(
            "> 00000020 20008086 00000001 0000003c 00000000 00000001 00000000 {feature:08x}\n\
             < 00000020 20008086 00000001 0000003c 00000001 00000001 00000000 {supported:08x}"
        ));
    }
}

#[test]
fn it_is_called_once_it_is_open() {
    let mut server = Server::new(RemoteServer::new(Small { serves: true }));
    server.plays(&[CALL, NOT_OPEN, OPEN, CALL, RETURNS].concat());
}

#[test]
fn it_has_the_pieces_of_its_stream() {
    let mut server = Server::new(RemoteServer::new(Small { serves: true }));
    server.plays(&[OPEN, CONSOLE, FINISH, FINISHED, FINISH].concat());
}

#[test]
fn it_has_no_piece_of_a_stream_once_it_is_closed() {
    let mut server = Server::new(RemoteServer::new(Small { serves: true }));
    server.plays(&[OPEN, CONSOLE, CLOSE, FINISH].concat());
}

#[test]
fn it_has_no_piece_of_a_stream_before_it_is_open() {
    let mut server = Server::new(RemoteServer::new(Small { serves: true }));
    let id = StreamId {
        procedure: Procedure::DOMAIN_OPEN_CONSOLE.into(),
        serial: Serial(2),
    };
    server.with(|_, cx| cx.open_stream(id)).unwrap();
    server.plays(FINISH);
}

#[test]
fn a_name_of_nothing_is_none() {
    let mut server = Server::new(RemoteServer::new(Small { serves: false }));
    server.plays(
        r#"
> 00000028 20008086 00000001 00000001 00000000 00000000 00000000 00000001 "" 00000001
< 0000001c 20008086 00000001 00000001 00000001 00000000 00000000
> 0000001c 20008086 00000001 0000006e 00000000 00000001 00000000
< 0000002c 20008086 00000001 0000006e 00000001 00000001 00000000 "small:///"
"#,
    );
}

#[test]
fn it_is_not_called_for_procedures_that_it_does_not_serve() {
    let mut server = Server::new(RemoteServer::new(Small { serves: false }));
    server.plays(&[CALL, UNKNOWN, OPEN, CALL, UNKNOWN].concat());
}

#[test]
fn it_is_not_called_before_authentication() {
    let sasl = |serves| RemoteServer::new(Small { serves }).demand_auth([AuthType::SASL]);
    Server::new(sasl(true)).plays(&[CALL, REQUIRED].concat());
    Server::new(sasl(false)).plays(&[CALL, UNKNOWN].concat());
}

#[test]
fn the_mock_opens_by_its_own_names_alone() {
    for (name, uri) in [
        ("test:///default", Some("test:///default")),
        ("test:/default", Some("test:///default")),
        ("test:///default?a=b", Some("test:///default?a=b")),
        ("test:///default#f", Some("test:///default#f")),
        (
            "test:/default?test:/default",
            Some("test:///default?test:/default"),
        ),
        ("", None),
        ("test", None),
        ("test:///", None),
        ("test:default", None),
        ("test:///defaulty", None),
        ("test:///default/", None),
        ("test://host/default", None),
        ("test+unix:///default", None),
        ("TEST:///default", None),
        ("qemu:///system", None),
    ] {
        let opened = TestHypervisor::default().open(Some(name), ConnectFlags::default());
        assert_eq!(opened.ok().as_deref(), uri, "{name:?}");
    }
}
