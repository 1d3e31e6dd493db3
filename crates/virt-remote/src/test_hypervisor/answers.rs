//! The answers of a mock hypervisor to calls, by procedure.

use virt_transport::{Call, Context, RemoteError};

use super::TestHypervisor;
use super::capabilities::CAPABILITIES;
use super::domains::Change;
use super::lists::check_flags;
use crate::constants::DomainEventId;
use crate::{
    ConnectGetCapabilitiesRet, ConnectGetMaxVcpusArgs, Domain, DomainCreateWithFlagsArgs,
    DomainCreateXmlArgs, DomainDefineXmlArgs, DomainDefineXmlFlagsArgs, DomainDestroyFlagsArgs,
    DomainGetInfoRet, DomainGetOsTypeRet, DomainGetStateArgs, DomainGetStateRet,
    DomainGetXmlDescArgs, DomainGetXmlDescRet, DomainLookupByNameArgs, DomainRebootArgs,
    DomainResetArgs, DomainSetAutostartArgs, DomainShutdownFlagsArgs, DomainUndefineFlagsArgs,
    NodeGetInfoRet, Procedure, error,
};

/// Decodes the arguments and replies.
type Answer = fn(&mut TestHypervisor, Call<'_>, &mut Context<'_>) -> Result<(), RemoteError>;

/// The table of the procedures that are served; `None` for all others.
pub(super) fn find(procedure: Procedure) -> Option<Answer> {
    connection(procedure)
        .or_else(|| questions(procedure))
        .or_else(|| changes(procedure))
        .or_else(|| events(procedure))
}

/// The procedures about the connection and its host, and those that list and find domains.
fn connection(procedure: Procedure) -> Option<Answer> {
    Some(match procedure {
        Procedure::CONNECT_GET_CAPABILITIES => |_, call, cx| {
            let capabilities = CAPABILITIES;
            Ok(cx.reply(call.id, &ConnectGetCapabilitiesRet { capabilities })?)
        },
        Procedure::CONNECT_GET_MAX_VCPUS => |_, call, cx| {
            let _: ConnectGetMaxVcpusArgs<&str> = call.payload.decode_lenient()?;
            Ok(cx.reply(call.id, &32_i32)?)
        },
        Procedure::CONNECT_IS_SECURE => |_, call, cx| Ok(cx.reply(call.id, &true)?),
        Procedure::NODE_GET_INFO => |_, call, cx| {
            let node = NodeGetInfoRet {
                model: "i686".to_owned(),
                memory: 3_145_728,
                cpus: 16,
                mhz: 1400,
                nodes: 2,
                sockets: 2,
                cores: 2,
                threads: 2,
            };
            Ok(cx.reply(call.id, &node)?)
        },
        Procedure::CONNECT_LIST_ALL_DOMAINS => |this, call, cx| {
            let args = call.payload.decode_lenient()?;
            Ok(cx.reply(call.id, &this.domains.list_all(args)?)?)
        },
        Procedure::CONNECT_LIST_DOMAINS => |this, call, cx| {
            let most = call.payload.decode_lenient()?;
            Ok(cx.reply(call.id, &this.domains.ids(most)?)?)
        },
        Procedure::CONNECT_NUM_OF_DOMAINS => {
            |this, call, cx| Ok(cx.reply(call.id, &this.domains.count(true))?)
        }
        Procedure::CONNECT_LIST_DEFINED_DOMAINS => |this, call, cx| {
            let most = call.payload.decode_lenient()?;
            Ok(cx.reply(call.id, &this.domains.defined_names(most)?)?)
        },
        Procedure::CONNECT_NUM_OF_DEFINED_DOMAINS => {
            |this, call, cx| Ok(cx.reply(call.id, &this.domains.count(false))?)
        }
        Procedure::DOMAIN_LOOKUP_BY_NAME => |this, call, cx| {
            let DomainLookupByNameArgs::<&str> { name } = call.payload.decode_lenient()?;
            let found = this.domains.lookup(|domain| domain.name == name)?;
            Ok(cx.reply(call.id, &found)?)
        },
        Procedure::DOMAIN_LOOKUP_BY_ID => |this, call, cx| {
            let id: i32 = call.payload.decode_lenient()?;
            if id < 0 {
                return Err(error::negative("id", "virDomainLookupByID"));
            }
            let found = this.domains.lookup(|domain| domain.id == id)?;
            Ok(cx.reply(call.id, &found)?)
        },
        Procedure::DOMAIN_LOOKUP_BY_UUID => |this, call, cx| {
            let uuid = call.payload.decode_lenient()?;
            let found = this.domains.lookup(|domain| domain.uuid == uuid)?;
            Ok(cx.reply(call.id, &found)?)
        },
        _ => return None,
    })
}

/// The questions about one domain.
fn questions(procedure: Procedure) -> Option<Answer> {
    Some(match procedure {
        Procedure::DOMAIN_GET_XML_DESC => |this, call, cx| {
            let DomainGetXmlDescArgs { dom, flags } = call.payload.decode_lenient()?;
            // Bit 0: with secrets. Bit 1: of the next start. Bit 3: to migrate.
            if this.read_only && flags.0 & 1 != 0 {
                return Err(error::secure_flag());
            }
            check_flags(flags.0, 0b1011, "testDomainGetXMLDesc")?;
            let xml = this.domains.get(&dom)?.xml(flags.0 & 2 != 0);
            Ok(cx.reply(call.id, &DomainGetXmlDescRet { xml })?)
        },
        Procedure::DOMAIN_GET_INFO => |this, call, cx| {
            let machine = this.domains.get(&call.payload.decode_lenient()?)?;
            let info = DomainGetInfoRet {
                state: machine.state,
                max_mem: machine.description.memory,
                memory: machine.description.current_memory,
                nr_virt_cpu: machine.description.vcpus,
                cpu_time: 0,
            };
            Ok(cx.reply(call.id, &info)?)
        },
        Procedure::DOMAIN_GET_STATE => |this, call, cx| {
            let DomainGetStateArgs { dom, flags } = call.payload.decode_lenient()?;
            check_flags(flags, 0, "testDomainGetState")?;
            let machine = this.domains.get(&dom)?;
            let state = DomainGetStateRet {
                state: machine.state,
                reason: machine.reason,
            };
            Ok(cx.reply(call.id, &state)?)
        },
        Procedure::DOMAIN_GET_OS_TYPE => |_, call, cx| {
            // The same for each domain, even for one that is gone.
            let _: Domain<&str> = call.payload.decode_lenient()?;
            Ok(cx.reply(call.id, &DomainGetOsTypeRet { r#type: "linux" })?)
        },
        Procedure::DOMAIN_GET_MAX_MEMORY => |this, call, cx| {
            let machine = this.domains.get(&call.payload.decode_lenient()?)?;
            Ok(cx.reply(call.id, &machine.description.memory)?)
        },
        Procedure::DOMAIN_IS_ACTIVE => |this, call, cx| {
            let machine = this.domains.get(&call.payload.decode_lenient()?)?;
            Ok(cx.reply(call.id, &machine.is_active())?)
        },
        Procedure::DOMAIN_IS_PERSISTENT => |this, call, cx| {
            let machine = this.domains.get(&call.payload.decode_lenient()?)?;
            Ok(cx.reply(call.id, &machine.persistent)?)
        },
        Procedure::DOMAIN_IS_UPDATED => |_, call, cx| {
            // The same for each domain, even for one that is gone.
            let _: Domain<&str> = call.payload.decode_lenient()?;
            Ok(cx.reply(call.id, &false)?)
        },
        Procedure::DOMAIN_GET_AUTOSTART => |this, call, cx| {
            let machine = this.domains.get(&call.payload.decode_lenient()?)?;
            Ok(cx.reply(call.id, &machine.autostart)?)
        },
        Procedure::DOMAIN_HAS_MANAGED_SAVE_IMAGE => |this, call, cx| {
            let dom: Domain<&str> = call.payload.decode_lenient()?;
            let _ = this.domains.get(&dom)?;
            Ok(cx.reply(call.id, &false)?)
        },
        _ => return None,
    })
}

/// The calls that change a domain.
fn changes(procedure: Procedure) -> Option<Answer> {
    Some(match procedure {
        Procedure::DOMAIN_DEFINE_XML => |this, call, cx| {
            this.check_writable("virDomainDefineXML")?;
            let DomainDefineXmlArgs { xml } = call.payload.decode_lenient()?;
            let change = this.domains.define(xml)?;
            this.reply_domain(call, cx, &change)
        },
        Procedure::DOMAIN_DEFINE_XML_FLAGS => |this, call, cx| {
            this.check_writable("virDomainDefineXMLFlags")?;
            let DomainDefineXmlFlagsArgs { xml, flags } = call.payload.decode_lenient()?;
            check_flags(flags.0, 1, "testDomainDefineXMLFlags")?;
            let change = this.domains.define(xml)?;
            this.reply_domain(call, cx, &change)
        },
        Procedure::DOMAIN_CREATE_XML => |this, call, cx| {
            this.check_writable("virDomainCreateXML")?;
            let DomainCreateXmlArgs { xml_desc, flags } = call.payload.decode_lenient()?;
            check_flags(flags.0, 0x10, "testDomainCreateXML")?;
            let change = this.domains.create_xml(xml_desc)?;
            this.reply_domain(call, cx, &change)
        },
        Procedure::DOMAIN_CREATE => |this, call, cx| {
            this.check_writable("virDomainCreate")?;
            let change = this.domains.create(&call.payload.decode_lenient()?)?;
            this.reply(call, cx, &change)
        },
        Procedure::DOMAIN_CREATE_WITH_FLAGS => |this, call, cx| {
            this.check_writable("virDomainCreateWithFlags")?;
            let DomainCreateWithFlagsArgs { dom, flags } = call.payload.decode_lenient()?;
            check_flags(flags.0, 0, "testDomainCreateWithFlags")?;
            let change = this.domains.create(&dom)?;
            this.reply_domain(call, cx, &change)
        },
        Procedure::DOMAIN_UNDEFINE => |this, call, cx| {
            this.check_writable("virDomainUndefine")?;
            let change = this.domains.undefine(&call.payload.decode_lenient()?)?;
            this.reply(call, cx, &change)
        },
        Procedure::DOMAIN_UNDEFINE_FLAGS => |this, call, cx| {
            this.check_writable("virDomainUndefineFlags")?;
            let DomainUndefineFlagsArgs { dom, flags } = call.payload.decode_lenient()?;
            check_flags(flags.0, 0b11, "testDomainUndefineFlags")?;
            let change = this.domains.undefine(&dom)?;
            this.reply(call, cx, &change)
        },
        Procedure::DOMAIN_SHUTDOWN => |this, call, cx| {
            this.check_writable("virDomainShutdown")?;
            let change = this.domains.shut_down(&call.payload.decode_lenient()?)?;
            this.reply(call, cx, &change)
        },
        Procedure::DOMAIN_SHUTDOWN_FLAGS => |this, call, cx| {
            this.check_writable("virDomainShutdownFlags")?;
            let DomainShutdownFlagsArgs { dom, flags } = call.payload.decode_lenient()?;
            check_flags(flags.0, 0, "testDomainShutdownFlags")?;
            let change = this.domains.shut_down(&dom)?;
            this.reply(call, cx, &change)
        },
        Procedure::DOMAIN_DESTROY => |this, call, cx| {
            this.check_writable("virDomainDestroy")?;
            let change = this.domains.destroy(&call.payload.decode_lenient()?)?;
            this.reply(call, cx, &change)
        },
        Procedure::DOMAIN_DESTROY_FLAGS => |this, call, cx| {
            this.check_writable("virDomainDestroyFlags")?;
            let DomainDestroyFlagsArgs { dom, flags } = call.payload.decode_lenient()?;
            check_flags(flags.0, 1, "testDomainDestroyFlags")?;
            let change = this.domains.destroy(&dom)?;
            this.reply(call, cx, &change)
        },
        Procedure::DOMAIN_REBOOT => |this, call, cx| {
            this.check_writable("virDomainReboot")?;
            let DomainRebootArgs { dom, flags } = call.payload.decode_lenient()?;
            check_flags(flags.0, 0b1_1111, "testDomainReboot")?;
            this.domains.get_mut(&dom)?.reboot()?;
            Ok(cx.reply(call.id, &())?)
        },
        Procedure::DOMAIN_RESET => |this, call, cx| {
            this.check_writable("virDomainReset")?;
            let DomainResetArgs { dom, flags } = call.payload.decode_lenient()?;
            check_flags(flags, 0, "testDomainReset")?;
            this.domains.get(&dom)?.check_active()?;
            Ok(cx.reply(call.id, &())?)
        },
        Procedure::DOMAIN_SUSPEND => |this, call, cx| {
            this.check_writable("virDomainSuspend")?;
            let machine = this.domains.get_mut(&call.payload.decode_lenient()?)?;
            let change = machine.suspend()?;
            this.reply(call, cx, &change)
        },
        Procedure::DOMAIN_RESUME => |this, call, cx| {
            this.check_writable("virDomainResume")?;
            let machine = this.domains.get_mut(&call.payload.decode_lenient()?)?;
            let change = machine.resume()?;
            this.reply(call, cx, &change)
        },
        Procedure::DOMAIN_SET_AUTOSTART => |this, call, cx| {
            this.check_writable("virDomainSetAutostart")?;
            let DomainSetAutostartArgs { dom, autostart } = call.payload.decode_lenient()?;
            this.domains.get_mut(&dom)?.autostart = autostart;
            Ok(cx.reply(call.id, &())?)
        },
        _ => return None,
    })
}

/// The registrations for events.
fn events(procedure: Procedure) -> Option<Answer> {
    Some(match procedure {
        Procedure::CONNECT_DOMAIN_EVENT_CALLBACK_REGISTER_ANY => |this, call, cx| {
            let args = call.payload.decode_lenient()?;
            Ok(cx.reply(call.id, &this.registrations.register(&args)?)?)
        },
        Procedure::CONNECT_DOMAIN_EVENT_CALLBACK_DEREGISTER_ANY => |this, call, cx| {
            let id = call.payload.decode_lenient()?;
            this.registrations.deregister(id)?;
            Ok(cx.reply(call.id, &())?)
        },
        Procedure::CONNECT_DOMAIN_EVENT_REGISTER => |this, call, cx| {
            this.registrations
                .register_older(DomainEventId::LIFECYCLE)?;
            Ok(cx.reply(call.id, &0_i32)?)
        },
        Procedure::CONNECT_DOMAIN_EVENT_DEREGISTER => |this, call, cx| {
            this.registrations
                .deregister_older(DomainEventId::LIFECYCLE)?;
            Ok(cx.reply(call.id, &0_i32)?)
        },
        Procedure::CONNECT_DOMAIN_EVENT_REGISTER_ANY => |this, call, cx| {
            let event = call.payload.decode_lenient()?;
            this.registrations.register_older(event)?;
            Ok(cx.reply(call.id, &())?)
        },
        Procedure::CONNECT_DOMAIN_EVENT_DEREGISTER_ANY => |this, call, cx| {
            let event = call.payload.decode_lenient()?;
            this.registrations.deregister_older(event)?;
            Ok(cx.reply(call.id, &())?)
        },
        _ => return None,
    })
}

impl TestHypervisor {
    fn check_writable(&self, function: &str) -> Result<(), RemoteError> {
        if self.read_only {
            return Err(error::read_only(function));
        }
        Ok(())
    }

    /// Sends the event of a change, and replies without a result.
    fn reply(
        &self,
        call: Call<'_>,
        cx: &mut Context<'_>,
        change: &Change,
    ) -> Result<(), RemoteError> {
        self.registrations.tell(change, cx)?;
        Ok(cx.reply(call.id, &())?)
    }

    /// Sends the event of a change, and replies with the domain.
    fn reply_domain(
        &self,
        call: Call<'_>,
        cx: &mut Context<'_>,
        change: &Change,
    ) -> Result<(), RemoteError> {
        self.registrations.tell(change, cx)?;
        Ok(cx.reply(call.id, &change.domain)?)
    }
}
