//! The domains of a mock hypervisor, their states and the changes between those.

use virt_protocol::Uuid;
use virt_transport::{ErrorSource, RemoteError};

use super::description::Description;
use crate::constants::{DomainEventType, DomainState};
use crate::{Domain, error};

/// The number of domains that one client may have.
const DOMAINS_MAX: usize = 1024;

/// A change in the life of a domain.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) domain: Domain,
    pub(super) event: DomainEventType,
    pub(super) detail: i32,
}

/// All domains, in the order of their definition.
#[derive(Debug, Clone)]
pub(super) struct Domains {
    all: Vec<Machine>,
    /// The ID of the domain that starts next.
    next_id: i32,
    /// The number of descriptions that were read.
    read: u64,
}

/// One domain.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    pub(super) description: Description,
    /// The description for the next start, if another than this one.
    next: Option<Description>,
    /// The ID while it runs, else -1.
    pub(super) id: i32,
    pub(super) state: DomainState,
    /// The reason for the state, in libvirt's numbers.
    pub(super) reason: i32,
    pub(super) persistent: bool,
    pub(super) autostart: bool,
}

impl Domains {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Machine> {
        self.all.iter()
    }

    /// Finds the domain that a client names in a call.
    pub(super) fn get(&self, dom: &Domain<&str>) -> Result<&Machine, RemoteError> {
        Ok(&self.all[self.position(dom)?])
    }

    pub(super) fn get_mut(&mut self, dom: &Domain<&str>) -> Result<&mut Machine, RemoteError> {
        let position = self.position(dom)?;
        Ok(&mut self.all[position])
    }

    /// Defines a domain, or changes the definition of one.
    pub(super) fn define(&mut self, xml: &str) -> Result<Change, RemoteError> {
        let description = self.read(xml)?;
        let Some(known) = self.same(&description)? else {
            let added = self.add(description, true)?;
            return Ok(self.all[added].change(DomainEventType::DEFINED, 0));
        };
        let known = &mut self.all[known];
        if known.is_active() {
            known.next = Some(description);
        } else {
            known.description = description;
        }
        // Detail 1: it was defined before.
        let updated = std::mem::replace(&mut known.persistent, true);
        Ok(known.change(DomainEventType::DEFINED, updated.into()))
    }

    /// Starts a domain from its XML, which ends with it unless it was defined before.
    pub(super) fn create_xml(&mut self, xml: &str) -> Result<Change, RemoteError> {
        let description = self.read(xml)?;
        let position = match self.same(&description)? {
            None => self.add(description, false)?,
            Some(known) => {
                let machine = &mut self.all[known];
                if machine.is_active() {
                    let detail = format!("domain '{}' is already active", description.name);
                    return Err(error::invalid_operation(&detail));
                }
                let before = std::mem::replace(&mut machine.description, description);
                machine.next = Some(before);
                known
            }
        };
        Ok(self.start(position))
    }

    pub(super) fn create(&mut self, dom: &Domain<&str>) -> Result<Change, RemoteError> {
        let position = self.position(dom)?;
        let machine = &self.all[position];
        if machine.is_active() {
            let detail = format!("Domain '{}' is already running", machine.description.name);
            return Err(error::internal(ErrorSource::TEST, &detail));
        }
        Ok(self.start(position))
    }

    pub(super) fn undefine(&mut self, dom: &Domain<&str>) -> Result<Change, RemoteError> {
        let position = self.position(dom)?;
        let machine = &mut self.all[position];
        machine.persistent = false;
        let change = machine.change(DomainEventType::UNDEFINED, 0);
        self.forget(position);
        Ok(change)
    }

    /// Stops a domain, as it does by itself.
    pub(super) fn shut_down(&mut self, dom: &Domain<&str>) -> Result<Change, RemoteError> {
        let position = self.position(dom)?;
        let machine = &self.all[position];
        if !machine.is_active() {
            return Err(machine.is_not("running"));
        }
        // Reason 1 and detail 0: it was shut down.
        Ok(self.stop(position, 1, 0))
    }

    pub(super) fn destroy(&mut self, dom: &Domain<&str>) -> Result<Change, RemoteError> {
        let position = self.position(dom)?;
        self.all[position].check_active()?;
        // Reason 2 and detail 1: it was destroyed.
        Ok(self.stop(position, 2, 1))
    }

    fn read(&mut self, xml: &str) -> Result<Description, RemoteError> {
        self.read += 1;
        Description::read(xml, self.read)
    }

    fn position(&self, dom: &Domain<&str>) -> Result<usize, RemoteError> {
        let found = self.position_of(dom.uuid);
        found.ok_or_else(|| error::domain_gone(dom.uuid, dom.name))
    }

    fn position_of(&self, uuid: Uuid) -> Option<usize> {
        let mut all = self.all.iter();
        all.position(|machine| machine.description.uuid == uuid)
    }

    /// Finds the domain with the name and UUID of a description. A domain with one of the two only is an error.
    fn same(&self, description: &Description) -> Result<Option<usize>, RemoteError> {
        let Description { name, uuid, .. } = description;
        if let Some(position) = self.position_of(*uuid) {
            let known = &self.all[position].description.name;
            if known == name {
                return Ok(Some(position));
            }
            let detail = format!("domain '{known}' is already defined with uuid {uuid}");
            return Err(error::operation_failed(&detail));
        }
        let other = self
            .all
            .iter()
            .find(|other| other.description.name == *name);
        match other {
            None => Ok(None),
            Some(other) => {
                let uuid = other.description.uuid;
                let detail = format!("domain '{name}' already exists with uuid {uuid}");
                Err(error::operation_failed(&detail))
            }
        }
    }

    fn add(&mut self, description: Description, persistent: bool) -> Result<usize, RemoteError> {
        if self.all.len() == DOMAINS_MAX {
            let detail = format!(
                "no room for domain '{}': at most {DOMAINS_MAX} domains",
                description.name
            );
            return Err(error::operation_failed(&detail));
        }
        self.all.push(Machine {
            description,
            next: None,
            id: -1,
            state: DomainState::SHUTOFF,
            reason: 0,
            persistent,
            autostart: false,
        });
        Ok(self.all.len() - 1)
    }

    fn start(&mut self, position: usize) -> Change {
        let machine = &mut self.all[position];
        machine.id = self.next_id;
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        // Reason 1: it was booted.
        (machine.state, machine.reason) = (DomainState::RUNNING, 1);
        machine.change(DomainEventType::STARTED, 0)
    }

    fn stop(&mut self, position: usize, reason: i32, detail: i32) -> Change {
        let machine = &mut self.all[position];
        machine.id = -1;
        (machine.state, machine.reason) = (DomainState::SHUTOFF, reason);
        if let Some(next) = machine.next.take() {
            machine.description = next;
        }
        let change = machine.change(DomainEventType::STOPPED, detail);
        self.forget(position);
        change
    }

    /// Removes a domain that neither runs nor is defined.
    fn forget(&mut self, position: usize) {
        let machine = &self.all[position];
        if !machine.is_active() && !machine.persistent {
            self.all.remove(position);
        }
    }
}

/// The one domain that is always there, running.
impl Default for Domains {
    fn default() -> Self {
        Self {
            all: vec![Machine {
                description: Description::default(),
                next: None,
                id: 1,
                state: DomainState::RUNNING,
                reason: 0,
                persistent: true,
                autostart: false,
            }],
            next_id: 2,
            read: 0,
        }
    }
}

impl Machine {
    pub(super) fn is_active(&self) -> bool {
        self.id != -1
    }

    /// The domain as calls name it.
    pub(super) fn domain(&self) -> Domain<&str> {
        Domain {
            name: &self.description.name,
            uuid: self.description.uuid,
            id: self.id,
        }
    }

    /// The XML, of the next start if so asked.
    pub(super) fn xml(&self, inactive: bool) -> String {
        if inactive {
            self.next.as_ref().unwrap_or(&self.description).write(None)
        } else {
            let id = self.is_active().then_some(self.id);
            self.description.write(id)
        }
    }

    pub(super) fn suspend(&mut self) -> Result<Change, RemoteError> {
        if self.state != DomainState::RUNNING {
            return Err(self.is_not("running"));
        }
        // Reason 1: the user asked for it.
        (self.state, self.reason) = (DomainState::PAUSED, 1);
        Ok(self.change(DomainEventType::SUSPENDED, 0))
    }

    pub(super) fn resume(&mut self) -> Result<Change, RemoteError> {
        if self.state != DomainState::PAUSED {
            return Err(self.is_not("paused"));
        }
        // Reason 5: it was paused before.
        (self.state, self.reason) = (DomainState::RUNNING, 5);
        Ok(self.change(DomainEventType::RESUMED, 0))
    }

    pub(super) fn reboot(&mut self) -> Result<(), RemoteError> {
        self.check_active()?;
        (self.state, self.reason) = (DomainState::RUNNING, 1);
        Ok(())
    }

    pub(super) fn check_active(&self) -> Result<(), RemoteError> {
        if self.is_active() {
            Ok(())
        } else {
            Err(error::invalid_operation("domain is not running"))
        }
    }

    fn is_not(&self, state: &str) -> RemoteError {
        let detail = format!("domain '{}' not {state}", self.description.name);
        error::internal(ErrorSource::TEST, &detail)
    }

    fn change(&self, event: DomainEventType, detail: i32) -> Change {
        Change {
            domain: Domain {
                name: self.description.name.clone(),
                uuid: self.description.uuid,
                id: self.id,
            },
            event,
            detail,
        }
    }
}
