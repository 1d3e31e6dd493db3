//! The daemon to ping: from a URI, or the default, to addresses.

use std::path::Path;

use virt_uri::{Access, Candidate, Environment, Uri};

use crate::failure::Failure;

/// The drivers whose own daemon is looked for if the socket for all drivers does not exist.
const DRIVERS: [&str; 7] = ["qemu", "xen", "lxc", "ch", "bhyve", "vz", "vbox"];

/// A daemon to be pinged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// The name that the daemon is asked to open; if empty, the daemon chooses.
    pub(crate) name: String,
    /// The possible addresses, in the order to try.
    pub(crate) candidates: Vec<Candidate>,
}

/// Resolves a URI, and returns its label for the output as well; an empty one means the default.
pub(crate) fn resolve(
    uri: &str,
    environment: &Environment,
    access: Access,
    exists: impl Fn(&Path) -> bool + Copy,
) -> (String, Result<Target, Failure>) {
    let found = if uri.is_empty() {
        default(environment, access, exists)
    } else {
        uri.parse().map_err(connect)
    };
    let label = match &found {
        _ if !uri.is_empty() => Uri::redact(uri).into_owned(),
        Ok(found) => configured(environment)
            .map_or_else(|| found.to_string(), |uri| Uri::redact(uri).into_owned()),
        Err(_) => "default URI".to_owned(),
    };
    let target = found.and_then(|uri| {
        let candidates = uri.candidates(environment, access, exists);
        let name = uri.name();
        candidates
            .map(|candidates| Target { name, candidates })
            .map_err(connect)
    });
    (label, target)
}

/// Returns the default URI that is configured.
fn configured(environment: &Environment) -> Option<&str> {
    let variable = environment.libvirt_default_uri.as_deref();
    let file = environment.uri_default.as_deref();
    let set = |text: &&str| !text.is_empty();
    variable.filter(set).or(file.filter(set))
}

/// Returns the default URI that is configured, else that of the first daemon whose socket exists.
fn default(
    environment: &Environment,
    access: Access,
    exists: impl Fn(&Path) -> bool + Copy,
) -> Result<Uri, Failure> {
    let uri = environment.default_uri().map_err(connect)?;
    let candidates = uri
        .candidates(environment, access, exists)
        .map_err(connect)?;
    let [Candidate::Unix(shared)] = candidates.as_slice() else {
        return Ok(uri);
    };
    if configured(environment).is_some() || exists(shared) {
        return Ok(uri);
    }
    let path = if environment.root {
        "system"
    } else {
        "session"
    };
    let own = DRIVERS.iter().find_map(|driver| {
        let uri: Uri = format!("{driver}:///{path}").parse().ok()?;
        let candidates = uri.candidates(environment, access, exists).ok()?;
        let there = matches!(candidates.as_slice(), [Candidate::Unix(socket)] if exists(socket));
        there.then_some(uri)
    });
    own.ok_or_else(|| Failure::NoSocket {
        directory: shared.parent().unwrap_or(shared).to_owned(),
    })
}

fn connect(error: impl Into<virt_tokio::ConnectError>) -> Failure {
    Failure::Connect(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root() -> Environment {
        Environment {
            root: true,
            ..Environment::default()
        }
    }

    fn sockets(there: &[&str]) -> (String, String) {
        let exists = |path: &Path| there.iter().any(|name| path.ends_with(name));
        let (label, target) = resolve("", &root(), Access::ReadWrite, exists);
        let found = match target {
            Ok(Target { name, candidates }) => format!("{name:?} at {candidates:?}"),
            Err(failure) => failure.to_string(),
        };
        (label, found)
    }

    #[test]
    fn the_shared_socket_comes_first() {
        let (label, found) = sockets(&["libvirt-sock", "virtqemud-sock"]);
        assert_eq!(label, "remote:///");
        assert_eq!(found, r#""" at [Unix("/var/run/libvirt/libvirt-sock")]"#);
    }

    #[test]
    fn without_it_the_socket_of_a_driver_is_used() {
        let (label, found) = sockets(&["virtlxcd-sock", "virtnetworkd-sock"]);
        assert_eq!(label, "lxc:///system");
        assert_eq!(
            found,
            r#""lxc:///system" at [Unix("/var/run/libvirt/virtlxcd-sock")]"#
        );
    }

    #[test]
    fn without_any_the_directory_is_named() {
        let (label, found) = sockets(&[]);
        assert_eq!(label, "default URI");
        let expected = "there is no libvirt socket in /var/run/libvirt";
        assert_eq!(found, expected);
    }

    #[test]
    fn a_configured_default_is_used_whether_its_socket_exists_or_not() {
        let mut environment = root();
        environment.uri_default = Some("test:///default".to_owned());
        let find =
            |environment: &Environment| resolve("", environment, Access::ReadWrite, |_| false);
        let (label, target) = find(&environment);
        assert_eq!(label, "test:///default");
        assert_eq!(target.unwrap().candidates, [Candidate::Embedded]);

        environment.libvirt_default_uri = Some("qemu+tcp://host/system".to_owned());
        let (label, _) = find(&environment);
        assert_eq!(label, "qemu+tcp://host/system");
    }

    #[test]
    fn a_given_uri_counts_most_and_is_the_label() {
        let mut environment = root();
        environment.libvirt_default_uri = Some("qemu:///system".to_owned());
        let given = "qemu+tcp://user:secret@host/system";
        let (label, _) = resolve(given, &environment, Access::ReadWrite, |_| true);
        assert_eq!(label, "qemu+tcp://user:***@host/system");
        let (label, target) = resolve("TEST+tcp://host", &environment, Access::ReadWrite, |_| true);
        assert_eq!(label, "TEST+tcp://host");
        let host = "host".to_owned();
        assert_eq!(
            target.unwrap().candidates,
            [Candidate::Tcp { host, port: 16509 }]
        );
    }
}
