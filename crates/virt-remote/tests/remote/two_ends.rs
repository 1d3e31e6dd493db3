//! A client against the server, in memory, with the generated types alone.

use bytes::Bytes;
use virt_protocol::Uuid;
use virt_remote::constants::{
    ConnectCloseReason, ConnectFlags, ConnectListAllDomainsFlags, DomainEventId, DomainEventType,
};
use virt_remote::*;
use virt_testkit::transport::drain_bytes;
use virt_transport::{
    CallProcedure, Calls, ErrorCode, Handle, Incoming, MessageProcedure, ReplyError, Role,
    Transport,
};
use virt_xdr::from_slice;

use crate::support::hypervisor;

struct Ends {
    client: Transport,
    program: Handle<Calls<()>>,
    events: Vec<(i32, Bytes)>,
    server: Transport,
    served: Handle<RemoteServer>,
}

impl Ends {
    fn new(program: RemoteServer) -> Self {
        let mut server = Transport::new(Role::Server);
        let served = server.register(program).unwrap();
        let mut client = Transport::new(Role::Client);
        let program = client.register(Calls::new(PROGRAM)).unwrap();
        Self {
            client,
            program,
            events: Vec::new(),
            server,
            served,
        }
    }

    fn call<P: CallProcedure>(&mut self, args: &P::Args<'_>) -> Result<P::Ret, ReplyError> {
        self.client
            .with(&self.program, |calls, cx| {
                calls.call(cx, P::NUMBER, args, ())
            })
            .unwrap();
        self.server.receive(&drain_bytes(&mut self.client)).unwrap();
        self.client.receive(&drain_bytes(&mut self.server)).unwrap();
        let payload = self.take().expect("the call was answered")?;
        Ok(from_slice(&payload).unwrap())
    }

    /// Takes all that the client has received: the events, and the reply if there is one.
    fn take(&mut self) -> Option<Result<Bytes, ReplyError>> {
        let mut reply = None;
        while let Some(incoming) = self.client.with(&self.program, |calls, _| calls.poll()) {
            match incoming {
                Incoming::Reply { result, .. } => reply = Some(result),
                Incoming::Message { procedure, payload } => self.events.push((procedure, payload)),
                Incoming::Stream { .. } => panic!("no stream is open"),
            }
        }
        reply
    }

    /// The error that a call is answered with.
    #[track_caller]
    fn fails<P: CallProcedure<Ret: std::fmt::Debug>>(&mut self, args: &P::Args<'_>) -> String {
        match self.call::<P>(args).unwrap_err() {
            ReplyError::Remote(error) => error.to_string(),
            error => panic!("{error}"),
        }
    }

    fn open(&mut self) {
        let name = Some("test:///default");
        self.call::<ConnectOpen>(&ConnectOpenArgs {
            name,
            flags: ConnectFlags::default(),
        })
        .unwrap();
    }

    /// The events of a kind that have come, and no others have.
    fn events<P: MessageProcedure>(&mut self) -> Vec<P::Body> {
        assert!(self.take().is_none(), "no call is in flight");
        let events = std::mem::take(&mut self.events);
        let body = |(procedure, payload): &(i32, Bytes)| {
            assert_eq!(*procedure, P::NUMBER);
            from_slice(payload).unwrap()
        };
        events.iter().map(body).collect()
    }

    fn is_closed(&mut self) -> bool {
        self.server
            .with(&self.served, |server, _| server.is_closed())
    }
}

fn ends() -> Ends {
    Ends::new(RemoteServer::new(hypervisor()))
}

#[test]
fn a_client_negotiates_opens_asks_and_closes() {
    let mut ends = ends();
    assert_eq!(ends.call::<AuthList>(&()).unwrap().types, [AuthType::NONE]);
    let keepalive = Feature::KEEPALIVE;
    assert!(ends.call::<ConnectSupportsFeature>(&keepalive).unwrap());
    ends.open();
    assert_eq!(ends.call::<ConnectGetType>(&()).unwrap().r#type, "TEST");
    assert_eq!(ends.call::<ConnectGetVersion>(&()).unwrap(), 2);
    let lib_ver = ends.call::<ConnectGetLibVersion>(&()).unwrap();
    assert_eq!(lib_ver, 9_000_000);
    assert_eq!(ends.call::<ConnectGetHostname>(&()).unwrap().hostname, "vm");
    assert_eq!(
        ends.call::<ConnectGetUri>(&()).unwrap().uri,
        "test:///default"
    );
    assert!(!ends.is_closed());
    ends.call::<ConnectClose>(&()).unwrap();
    assert!(ends.is_closed());
}

#[test]
fn a_name_is_the_servers_choice_if_the_client_gives_none() {
    let mut ends = ends();
    let (name, flags) = (None, ConnectFlags(u32::MAX));
    ends.call::<ConnectOpen>(&ConnectOpenArgs { name, flags })
        .unwrap();
    assert_eq!(
        ends.call::<ConnectGetUri>(&()).unwrap().uri,
        "test:///default"
    );
}

#[test]
fn sasl_alone_is_offered_and_nothing_can_be_opened() {
    let mut ends = Ends::new(RemoteServer::new(hypervisor()).demand_auth([AuthType::SASL]));
    assert_eq!(ends.call::<AuthList>(&()).unwrap().to_string(), "SASL");
    let name = Some("test:///default");
    let flags = ConnectFlags::default();
    let open = ConnectOpenArgs { name, flags };
    assert_eq!(ends.fails::<ConnectOpen>(&open), "authentication required");
    assert_eq!(
        ends.fails::<AuthPolkit>(&()),
        "authentication failed: authentication failed"
    );
}

#[test]
fn polkit_comes_before_the_rest() {
    let server = RemoteServer::new(hypervisor()).demand_auth([AuthType::POLKIT]);
    let mut ends = Ends::new(server.on_polkit(|| true));
    assert_eq!(ends.fails::<ConnectGetUri>(&()), "authentication required");
    assert!(ends.call::<AuthPolkit>(&()).unwrap());
    ends.open();
}

#[test]
fn a_client_hears_of_the_end_of_the_hypervisor() {
    let mut ends = ends();
    ends.open();
    ends.call::<ConnectRegisterCloseCallback>(&()).unwrap();
    ends.server
        .with(&ends.served, |server, cx| {
            server.close_event(cx, ConnectCloseReason::EOF)
        })
        .unwrap();
    ends.call::<ConnectUnregisterCloseCallback>(&()).unwrap();
    let reason = ConnectCloseReason::EOF;
    assert_eq!(
        ends.events::<ConnectEventConnectionClosed>(),
        [ConnectEventConnectionClosedMsg { reason }]
    );
}

#[test]
fn a_client_finds_a_domain_and_hears_of_it() {
    let mut ends = ends();
    ends.open();
    let name = "test";
    let found = ends
        .call::<DomainLookupByName>(&DomainLookupByNameArgs { name })
        .unwrap();
    let all = ConnectListAllDomainsArgs {
        need_results: true,
        flags: ConnectListAllDomainsFlags::default(),
    };
    let list = ends.call::<ConnectListAllDomains>(&all).unwrap();
    assert_eq!(
        (list.domains.as_slice(), list.ret),
        ([found.clone()].as_slice(), 1)
    );

    let dom = Domain {
        name: "test",
        uuid: found.uuid,
        id: found.id,
    };
    let (event_id, of_one) = (DomainEventId::LIFECYCLE, Some(dom));
    for (expected, dom) in [None, of_one].into_iter().enumerate() {
        let args = ConnectDomainEventCallbackRegisterAnyArgs { event_id, dom };
        let ret = ends.call::<ConnectDomainEventCallbackRegisterAny>(&args);
        assert_eq!(usize::try_from(ret.unwrap()), Ok(expected));
    }
    ends.call::<DomainSuspend>(&dom).unwrap();
    let event = |callback_id, event| DomainEventCallbackLifecycleMsg {
        callback_id,
        msg: DomainEventLifecycleMsg {
            dom: found.clone(),
            event,
            detail: 0,
        },
    };
    let paused = DomainEventType::SUSPENDED;
    assert_eq!(
        ends.events::<DomainEventCallbackLifecycle>(),
        [event(0, paused), event(1, paused)]
    );

    ends.call::<ConnectDomainEventCallbackDeregisterAny>(&0)
        .unwrap();
    ends.call::<DomainResume>(&dom).unwrap();
    assert_eq!(
        ends.events::<DomainEventCallbackLifecycle>(),
        [event(1, DomainEventType::RESUMED)]
    );
}

#[test]
fn filters_leave_the_domain_if_it_meets_one_of_each_group() {
    let mut ends = ends();
    ends.open();
    let listed = |ends: &mut Ends, flags: u32| {
        let args = ConnectListAllDomainsArgs {
            need_results: true,
            flags: ConnectListAllDomainsFlags(flags),
        };
        let list = ends.call::<ConnectListAllDomains>(&args).unwrap();
        assert_eq!(list.domains.len(), list.ret as usize);
        list.ret == 1
    };
    // What libvirt's mock says of each alone, from the lowest on.
    let met = [
        true, false, true, false, true, false, false, false, false, true, false, true, false, true,
        false, true,
    ];
    for (bit, met) in met.into_iter().enumerate() {
        assert_eq!(listed(&mut ends, 1 << bit), met, "bit {bit}");
    }
    for (flags, expected) in [
        (0, true),
        (0xffff, true),
        // Running or paused.
        (0x0030, true),
        // Persistent, and started with the daemon or not.
        (0x0c04, true),
        // Persistent, and started with the daemon.
        (0x0404, false),
        // Running, and with snapshots.
        (0x1010, false),
    ] {
        assert_eq!(listed(&mut ends, flags), expected, "{flags:#06x}");
    }

    let name = "test";
    let lookup = DomainLookupByNameArgs { name };
    let found = ends.call::<DomainLookupByName>(&lookup).unwrap();
    let dom = Domain {
        name,
        uuid: found.uuid,
        id: found.id,
    };
    ends.call::<DomainSuspend>(&dom).unwrap();
    for (flags, expected) in [(0x0010, false), (0x0020, true), (0x0021, true)] {
        assert_eq!(listed(&mut ends, flags), expected, "{flags:#06x} paused");
    }
}

#[test]
fn registrations_for_events_are_bounded() {
    let mut ends = ends();
    ends.open();
    let args = ConnectDomainEventCallbackRegisterAnyArgs {
        event_id: DomainEventId::LIFECYCLE,
        dom: None,
    };
    for _ in 0..1024 {
        ends.call::<ConnectDomainEventCallbackRegisterAny>(&args)
            .unwrap();
    }
    assert_eq!(
        ends.fails::<ConnectDomainEventCallbackRegisterAny>(&args),
        "internal error: more than 1024 registrations for events"
    );
}

#[test]
fn a_procedure_that_is_not_served_is_unknown() {
    let mut ends = ends();
    ends.open();
    let dom = Domain {
        name: "test",
        uuid: Uuid::default(),
        id: 1,
    };
    let args = DomainScreenshotArgs {
        dom,
        screen: 0,
        flags: 0,
    };
    let error = ends.call::<DomainScreenshot>(&args).unwrap_err();
    let ReplyError::Remote(error) = error else {
        panic!("{error}");
    };
    assert_eq!(error.code(), ErrorCode::RPC);
    assert_eq!(error.to_string(), "unknown procedure: 211");
}
