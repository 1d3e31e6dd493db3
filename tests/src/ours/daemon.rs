//! The shipped server, behind a hypervisor that opens any URI.

use virt_remote::constants::ConnectFlags;
use virt_remote::{AuthType, Hypervisor, RemoteServer, Version};
use virt_transport::RemoteError;

use crate::TransferKind;

use super::volumes::Volumes;

/// Makes the server; one that demands authentication never lets a client in.
pub(super) fn server(demands_auth: bool) -> RemoteServer {
    let auth = if demands_auth {
        AuthType::SASL
    } else {
        AuthType::NONE
    };
    RemoteServer::new(AnyUri)
        .demand_auth([auth])
        .serve_raw(TransferKind::Upload.procedure(), Volumes::default())
        .serve_raw(TransferKind::Download.procedure(), Volumes::default())
}

/// A hypervisor without domains that opens any URI.
struct AnyUri;

impl Hypervisor for AnyUri {
    fn open(&mut self, name: Option<&str>, _: ConnectFlags) -> Result<String, RemoteError> {
        Ok(name.unwrap_or_default().to_owned())
    }

    fn type_name(&self) -> &str {
        "TEST"
    }

    fn version(&self) -> Version {
        Version::new(2, 0, 0)
    }

    fn lib_version(&self) -> Version {
        Version::new(9, 0, 0)
    }

    fn hostname(&self) -> &str {
        "ours"
    }
}
