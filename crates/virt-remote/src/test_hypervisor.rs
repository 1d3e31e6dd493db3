//! The mock hypervisor `test:///default`, without libvirt.

use virt_transport::{Call, Context, ErrorSource, RemoteError};

use virt_protocol::Uuid;

use crate::constants::{ConnectFlags, DomainEventId, DomainEventType, DomainState};
use crate::{
    ConnectDomainEventCallbackRegisterAnyArgs, ConnectListAllDomainsArgs, ConnectListAllDomainsRet,
    Domain, DomainEventCallbackLifecycleMsg, DomainEventLifecycleMsg, DomainGetStateArgs,
    DomainGetStateRet, DomainLookupByNameArgs, Feature, Hypervisor, Procedure, Version, error,
};

/// The events that libvirt 9.0.0 has, by number. Only [`DomainEventId::LIFECYCLE`] ever happens.
const EVENTS: std::ops::RangeInclusive<i32> = 0..=26;

/// The number of registrations for events that one client may have.
const REGISTRATIONS_MAX: usize = 1024;

/// The mock hypervisor of libvirt, as `test:///default` opens it: one domain, which runs and does nothing.
///
/// Besides the procedures of a [`RemoteServer`](crate::RemoteServer) it serves `CONNECT_LIST_ALL_DOMAINS`,
/// `DOMAIN_LOOKUP_BY_NAME`, `DOMAIN_GET_STATE`, `DOMAIN_SUSPEND` and `DOMAIN_RESUME`, and registrations for
/// events, of which only those of the last two happen. Each client has a hypervisor of its own; nothing is shared.
///
/// ```
/// use virt_remote::constants::ConnectFlags;
/// use virt_remote::{Hypervisor, TestHypervisor};
///
/// let mut hypervisor = TestHypervisor::default();
/// hypervisor.hostname = "example".to_owned();
/// assert_eq!(hypervisor.open(Some("test:///default"), ConnectFlags::default())?, "test:///default");
/// assert!(hypervisor.open(Some("qemu:///system"), ConnectFlags::default()).is_err());
/// # Ok::<(), virt_transport::RemoteError>(())
/// ```
#[derive(Debug, Clone)]
pub struct TestHypervisor {
    /// The name of the host, by default `localhost`.
    pub hostname: String,
    /// The version of the hypervisor, by default 0.0.2, that of libvirt's mock.
    pub version: Version,
    /// The version of libvirt, by default 9.0.0, the one whose daemon this imitates.
    pub lib_version: Version,
    domain: Domain,
    state: DomainState,
    /// The reason for the state, in libvirt's numbers.
    reason: i32,
    read_only: bool,
    registrations: Vec<Registration>,
    next_registration: i32,
}

/// Decodes the arguments and replies.
type Answer = fn(&mut TestHypervisor, Call<'_>, &mut Context<'_>) -> Result<(), RemoteError>;

/// A client's registration for events.
#[derive(Debug, Clone)]
struct Registration {
    id: i32,
    event: DomainEventId,
    /// The domain; `None` for all.
    uuid: Option<Uuid>,
}

impl TestHypervisor {
    fn list(&self, args: ConnectListAllDomainsArgs) -> ConnectListAllDomainsRet<&str> {
        let listed = self.passes(args.flags.0);
        let wanted = listed && args.need_results;
        ConnectListAllDomainsRet {
            domains: wanted.then(|| self.domain()).into_iter().collect(),
            ret: listed.into(),
        }
    }

    /// Returns `true` if the domain passes the filters. Filters of one group are alternatives: of each group
    /// that is used, the domain has to meet one.
    fn passes(&self, filters: u32) -> bool {
        let state = if self.state == DomainState::PAUSED {
            0x20
        } else {
            0x10
        };
        // The filters of a group, and the one among them that the domain meets.
        let groups = [
            (0x0003, 0x0001), // active, inactive
            (0x000c, 0x0004), // persistent, transient
            (0x00f0, state),  // running, paused, shut off, other
            (0x0300, 0x0200), // a managed save, none
            (0x0c00, 0x0800), // started with the daemon, or not
            (0x3000, 0x2000), // snapshots, none
            (0xc000, 0x8000), // checkpoints, none
        ];
        let mut groups = groups.into_iter();
        groups.all(|(group, met)| filters & group == 0 || filters & met != 0)
    }

    fn lookup(&self, name: &str) -> Result<Domain<&str>, RemoteError> {
        if name == self.domain.name {
            Ok(self.domain())
        } else {
            Err(error::no_domain())
        }
    }

    fn state(&self, dom: &Domain<&str>) -> Result<DomainGetStateRet, RemoteError> {
        self.check(dom)?;
        Ok(DomainGetStateRet {
            state: self.state,
            reason: self.reason,
        })
    }

    fn suspend(&mut self, dom: &Domain<&str>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        self.check_writable("virDomainSuspend")?;
        self.check(dom)?;
        if self.state != DomainState::RUNNING {
            return Err(self.is_not("running"));
        }
        // Reason 1: the user asked for it.
        (self.state, self.reason) = (DomainState::PAUSED, 1);
        self.tell(DomainEventType::SUSPENDED, cx)
    }

    fn resume(&mut self, dom: &Domain<&str>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        self.check_writable("virDomainResume")?;
        self.check(dom)?;
        if self.state != DomainState::PAUSED {
            return Err(self.is_not("paused"));
        }
        // Reason 5: it was paused before.
        (self.state, self.reason) = (DomainState::RUNNING, 5);
        self.tell(DomainEventType::RESUMED, cx)
    }

    fn check_writable(&self, function: &str) -> Result<(), RemoteError> {
        if self.read_only {
            return Err(error::read_only(function));
        }
        Ok(())
    }

    fn check(&self, dom: &Domain<&str>) -> Result<(), RemoteError> {
        if dom.uuid != self.domain.uuid {
            return Err(error::no_domain());
        }
        Ok(())
    }

    fn is_not(&self, state: &str) -> RemoteError {
        let detail = format!("domain '{}' not {state}", self.domain.name);
        error::internal(ErrorSource::TEST, &detail)
    }

    /// Sends an event to each registration, before the reply to the call that causes it: a client that has the
    /// reply has the event too. A daemon's event may come on either side of the reply.
    fn tell(&self, event: DomainEventType, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        for registration in &self.registrations {
            let other_domain = |uuid| uuid != self.domain.uuid;
            if registration.event != DomainEventId::LIFECYCLE
                || registration.uuid.is_some_and(other_domain)
            {
                continue;
            }
            let msg = DomainEventCallbackLifecycleMsg {
                callback_id: registration.id,
                msg: DomainEventLifecycleMsg {
                    dom: self.domain(),
                    event,
                    detail: 0,
                },
            };
            cx.message(Procedure::DOMAIN_EVENT_CALLBACK_LIFECYCLE, &msg)?;
        }
        Ok(())
    }

    fn register(
        &mut self,
        args: &ConnectDomainEventCallbackRegisterAnyArgs<&str>,
    ) -> Result<i32, RemoteError> {
        if !EVENTS.contains(&args.event_id.0) {
            let detail = format!("unsupported event ID {}", args.event_id.0);
            return Err(error::internal(ErrorSource::RPC, &detail));
        }
        if self.registrations.len() == REGISTRATIONS_MAX {
            let detail = format!("more than {REGISTRATIONS_MAX} registrations for events");
            return Err(error::internal(ErrorSource::RPC, &detail));
        }
        let callback_id = self.next_registration;
        self.next_registration = callback_id.wrapping_add(1);
        self.registrations.push(Registration {
            id: callback_id,
            event: args.event_id,
            uuid: args.dom.as_ref().map(|dom| dom.uuid),
        });
        Ok(callback_id)
    }

    fn deregister(&mut self, id: i32) -> Result<(), RemoteError> {
        let found = self.registrations.iter().position(|known| known.id == id);
        let index = found.ok_or_else(|| {
            let detail = format!("domain event callback {id} not registered");
            error::internal(ErrorSource::RPC, &detail)
        })?;
        self.registrations.remove(index);
        Ok(())
    }

    fn domain(&self) -> Domain<&str> {
        Domain {
            name: &self.domain.name,
            uuid: self.domain.uuid,
            id: self.domain.id,
        }
    }
}

impl Default for TestHypervisor {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            version: Version::new(0, 0, 2),
            lib_version: Version::new(9, 0, 0),
            domain: Domain {
                name: "test".to_owned(),
                uuid: Uuid(*b"\x66\x95\xeb\x01\xf6\xa4\x83\x04\x79\xaa\x97\xf2\x50\x2e\x19\x3f"),
                id: 1,
            },
            state: DomainState::RUNNING,
            reason: 0,
            read_only: false,
            registrations: Vec::new(),
            next_registration: 0,
        }
    }
}

impl Hypervisor for TestHypervisor {
    fn open(&mut self, name: Option<&str>, flags: ConnectFlags) -> Result<String, RemoteError> {
        let name = name.unwrap_or("test:///default");
        if !is_default(name) {
            return Err(error::no_driver(name));
        }
        self.read_only = flags.contains(ConnectFlags::RO);
        // A daemon returns this form for both.
        Ok(name.replacen("test:/default", "test:///default", 1))
    }

    fn type_name(&self) -> &str {
        "TEST"
    }

    fn version(&self) -> Version {
        self.version
    }

    fn lib_version(&self) -> Version {
        self.lib_version
    }

    fn hostname(&self) -> &str {
        &self.hostname
    }

    fn supports(&self, feature: Feature) -> bool {
        feature == Feature::EVENT_CALLBACK
    }

    fn serves(&self, procedure: Procedure) -> bool {
        find(procedure).is_some()
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let procedure = call.id.procedure();
        let answer = find(Procedure(procedure));
        answer.ok_or_else(|| RemoteError::unknown_procedure(procedure))?(self, call, cx)
    }
}

/// The table of the procedures that are served; `None` for all others.
fn find(procedure: Procedure) -> Option<Answer> {
    Some(match procedure {
        Procedure::CONNECT_LIST_ALL_DOMAINS => |this, call, cx| {
            let args = call.payload.decode_lenient()?;
            Ok(cx.reply(call.id, &this.list(args))?)
        },
        Procedure::DOMAIN_LOOKUP_BY_NAME => |this, call, cx| {
            let DomainLookupByNameArgs { name } = call.payload.decode_lenient()?;
            Ok(cx.reply(call.id, &this.lookup(name)?)?)
        },
        Procedure::DOMAIN_GET_STATE => |this, call, cx| {
            let DomainGetStateArgs { dom, .. } = call.payload.decode_lenient()?;
            Ok(cx.reply(call.id, &this.state(&dom)?)?)
        },
        Procedure::DOMAIN_SUSPEND => |this, call, cx| {
            let dom = call.payload.decode_lenient()?;
            this.suspend(&dom, cx)?;
            Ok(cx.reply(call.id, &())?)
        },
        Procedure::DOMAIN_RESUME => |this, call, cx| {
            let dom = call.payload.decode_lenient()?;
            this.resume(&dom, cx)?;
            Ok(cx.reply(call.id, &())?)
        },
        Procedure::CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY => |this, call, cx| {
            let args = call.payload.decode_lenient()?;
            Ok(cx.reply(call.id, &this.register(&args)?)?)
        },
        Procedure::CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY => |this, call, cx| {
            this.deregister(call.payload.decode_lenient()?)?;
            Ok(cx.reply(call.id, &())?)
        },
        _ => return None,
    })
}

/// Returns `true` for `test:///default` with any parameters.
fn is_default(uri: &str) -> bool {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    let (resource, _) = uri.split_at(end);
    matches!(resource, "test:///default" | "test:/default")
}
