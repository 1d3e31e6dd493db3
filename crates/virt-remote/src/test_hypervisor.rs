//! The mock hypervisor `test:///default`, without libvirt.

mod answers;
mod capabilities;
mod description;
mod domains;
mod events;
mod lists;
mod xml;

use virt_transport::{Call, Context, RemoteError};

use self::domains::Domains;
use self::events::Registrations;
use crate::constants::ConnectFlags;
use crate::{Feature, Hypervisor, Procedure, Version, error};

/// The mock hypervisor of libvirt, as `test:///default` opens it: one domain `test`, which runs and does nothing,
/// and those that the client defines.
///
/// Besides the procedures of a [`RemoteServer`](crate::RemoteServer) it serves those that list, find, describe,
/// define, start and stop domains, and those that tell of the host. Their lifecycle events go to each
/// registration, of the newer and the older kinds. Each client has a hypervisor of its own; nothing is shared.
///
/// Answers and errors are those of libvirt 9.0.0's mock, with these limits and differences:
///
/// - A client has at most 1024 domains, each with at most 64 KiB of XML.
/// - Of a domain's XML, the name, UUID, title, description, memory, virtual CPUs, operating system and devices
///   are kept. Devices are not checked, and get no addresses.
/// - A domain without a UUID gets one made of its name and a counter, so that the same calls give the same UUIDs.
/// - No domain uses any CPU time.
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
    domains: Domains,
    registrations: Registrations,
    read_only: bool,
}

impl Default for TestHypervisor {
    fn default() -> Self {
        Self {
            hostname: "localhost".to_owned(),
            version: Version::new(0, 0, 2),
            lib_version: Version::new(9, 0, 0),
            domains: Domains::default(),
            registrations: Registrations::default(),
            read_only: false,
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
        answers::find(procedure).is_some()
    }

    fn on_call(&mut self, call: Call<'_>, cx: &mut Context<'_>) -> Result<(), RemoteError> {
        let procedure = call.id.procedure();
        let answer = answers::find(Procedure(procedure));
        answer.ok_or_else(|| RemoteError::unknown_procedure(procedure))?(self, call, cx)
    }
}

/// Returns `true` for `test:///default` with any parameters.
fn is_default(uri: &str) -> bool {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    let (resource, _) = uri.split_at(end);
    matches!(resource, "test:///default" | "test:/default")
}
