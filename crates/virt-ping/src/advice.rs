//! Advice to the user, one for each failure that has a likely remedy.

use std::io::ErrorKind;

use virt_remote::{AuthType, OpenError};
use virt_tokio::{CallError, CloseReason, ConnectError};

use crate::failure::Failure;
use crate::options::Options;
use crate::other_service::first_word;
use crate::safe_text::SafeText;

/// Makes the message of a failure, with advice if there is any.
pub(crate) fn with_advice(failure: &Failure, options: &Options) -> SafeText {
    let message = SafeText::new(failure);
    match advice(failure, options) {
        Some(advice) => message.followed_by(advice),
        None => message,
    }
}

fn advice(failure: &Failure, options: &Options) -> Option<String> {
    let advice = match failure {
        Failure::NoSocket { .. } => "start libvirtd, name a URI, or try test:///default",
        Failure::Timeout { .. } => {
            "is it stopped, or at its limit of clients? --raw asks the least of it"
        }
        Failure::Connect(ConnectError::Connect { address, error }) => {
            match (error.kind(), is_tcp(address)) {
                (ErrorKind::NotFound | ErrorKind::ConnectionRefused, false) => {
                    "start libvirtd, or try test:///default"
                }
                (ErrorKind::ConnectionRefused, true) => "does the daemon listen on TCP there?",
                (ErrorKind::PermissionDenied, _) if options.readonly => {
                    "try as a user with access (root, group libvirt)"
                }
                (ErrorKind::PermissionDenied, _) => {
                    "try -r, or as a user with access (root, group libvirt)"
                }
                _ => return None,
            }
        }
        Failure::Open {
            address,
            error: ConnectError::Open(OpenError::Authentication { offered, .. }),
        } => {
            // Only Unix sockets come in pairs, one of them read-only.
            let read_only = !is_tcp(address) && !options.readonly;
            let polkit = offered.types.contains(&AuthType::POLKIT);
            match (read_only, polkit) {
                (true, true) => "try -r, another user, or --raw, which needs none",
                (true, false) => "try -r, or --raw, which needs none",
                (false, true) => "try another user, or --raw, which needs none",
                (false, false) => "try --raw, which needs none",
            }
        }
        Failure::Open {
            error:
                ConnectError::Step {
                    error: CallError::Closed(closed),
                    ..
                },
            ..
        } => {
            if let Some(word) = first_word(closed) {
                return Some(word.to_string());
            }
            if closed.reason() != CloseReason::EndOfFile {
                return None;
            }
            "is the daemon at its limit of clients (max_clients)?"
        }
        Failure::Open { .. } | Failure::Connect(_) => return None,
    };
    Some(advice.to_owned())
}

fn is_tcp(address: &str) -> bool {
    address.starts_with("tcp:")
}
