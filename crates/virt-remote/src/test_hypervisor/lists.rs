//! The lists of domains, and their filters.

use virt_transport::{ErrorCode, ErrorSource, RemoteError};

use super::domains::{Domains, Machine};
use crate::constants::DomainState;
use crate::{
    ConnectListAllDomainsArgs, ConnectListAllDomainsRet, ConnectListDefinedDomainsRet,
    ConnectListDomainsRet, Domain, error,
};

/// The filters that exist.
const FILTERS: u32 = 0xffff;
/// The length of the older lists in libvirt's protocol.
const LIST_MAX: i32 = 16_384;

impl Domains {
    pub(super) fn list_all(
        &self,
        args: ConnectListAllDomainsArgs,
    ) -> Result<ConnectListAllDomainsRet<&str>, RemoteError> {
        let filters = args.flags.0;
        check_flags(filters, FILTERS, "testConnectListAllDomains")?;
        let listed = || self.iter().filter(|machine| passes(machine, filters));
        let wanted = if args.need_results { usize::MAX } else { 0 };
        Ok(ConnectListAllDomainsRet {
            domains: listed().take(wanted).map(Machine::domain).collect(),
            // At most 1024.
            ret: u32::try_from(listed().count()).unwrap_or(u32::MAX),
        })
    }

    pub(super) fn ids(&self, most: i32) -> Result<ConnectListDomainsRet, RemoteError> {
        let most = check_most(most, "maxids")?;
        let ids = self.active().map(|machine| machine.id);
        Ok(ConnectListDomainsRet {
            ids: ids.take(most).collect(),
        })
    }

    pub(super) fn defined_names(
        &self,
        most: i32,
    ) -> Result<ConnectListDefinedDomainsRet<&str>, RemoteError> {
        let most = check_most(most, "maxnames")?;
        let names = self.inactive().map(|machine| machine.domain().name);
        Ok(ConnectListDefinedDomainsRet {
            names: names.take(most).collect(),
        })
    }

    pub(super) fn count(&self, active: bool) -> i32 {
        let count = self.iter().filter(|machine| machine.is_active() == active);
        // At most 1024.
        i32::try_from(count.count()).unwrap_or(i32::MAX)
    }

    /// Finds the first domain that meets the condition.
    pub(super) fn lookup(
        &self,
        wanted: impl Fn(&Domain<&str>) -> bool,
    ) -> Result<Domain<&str>, RemoteError> {
        let mut domains = self.iter().map(Machine::domain);
        domains.find(wanted).ok_or_else(error::no_domain)
    }

    fn active(&self) -> impl Iterator<Item = &Machine> {
        self.iter().filter(|machine| machine.is_active())
    }

    fn inactive(&self) -> impl Iterator<Item = &Machine> {
        self.iter().filter(|machine| !machine.is_active())
    }
}

/// Refuses flags outside those that a function of the mock knows.
pub(super) fn check_flags(flags: u32, known: u32, function: &str) -> Result<(), RemoteError> {
    let unknown = flags & !known;
    if unknown == 0 {
        Ok(())
    } else {
        Err(error::unsupported_flags(unknown, function))
    }
}

fn check_most(most: i32, name: &str) -> Result<usize, RemoteError> {
    let error = |detail: String| RemoteError::new(ErrorCode::RPC, ErrorSource::RPC, detail);
    if most > LIST_MAX {
        return Err(error(format!("{name} > REMOTE_DOMAIN_LIST_MAX")));
    }
    usize::try_from(most).map_err(|_| error(format!("{name} must be non-negative")))
}

/// Returns `true` if the domain passes the filters. Filters of one group are alternatives: of each group
/// that is used, the domain has to meet one.
fn passes(machine: &Machine, filters: u32) -> bool {
    let either = |condition, yes, no| if condition { yes } else { no };
    let state = match machine.state {
        DomainState::RUNNING => 0x10,
        DomainState::PAUSED => 0x20,
        _ => 0x40,
    };
    // The filters of a group, and the one among them that the domain meets.
    let groups = [
        (0x0003, either(machine.is_active(), 0x0001, 0x0002)),
        (0x000c, either(machine.persistent, 0x0004, 0x0008)),
        (0x00f0, state),  // running, paused, shut off, other
        (0x0300, 0x0200), // a managed save, none
        (0x0c00, either(machine.autostart, 0x0400, 0x0800)),
        (0x3000, 0x2000), // snapshots, none
        (0xc000, 0x8000), // checkpoints, none
    ];
    let mut groups = groups.into_iter();
    groups.all(|(group, met)| filters & group == 0 || filters & met != 0)
}
