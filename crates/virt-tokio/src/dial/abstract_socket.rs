//! The transport `unix` in Linux's abstract namespace.

use std::io;
use std::path::PathBuf;

use virt_uri::Uri;

use super::unix;
use crate::{Client, Options};

pub(super) async fn dial(name: &str, options: &Options) -> io::Result<Client> {
    unix::dial(&path(name), options).await
}

/// Returns the path that tokio takes for an abstract name: a zero byte, then the name.
///
/// libvirt passes the whole address field to the kernel, so the zero bytes up to its end are part of the name.
fn path(name: &str) -> PathBuf {
    let padding = Uri::MAX_SOCKET_PATH.saturating_sub(name.len());
    format!("\0{name}{}", "\0".repeat(padding)).into()
}
