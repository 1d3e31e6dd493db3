//! From a URI to an open connection.

use std::path::Path;

use virt_uri::{Access, Uri};

use crate::dial::{addresses, dial};
use crate::open::TimeLeft;
use crate::{Client, ConnectError, Options, environment};

/// Connects to the daemon of a URI, authenticates, negotiates keepalive, and opens the connection.
///
/// For an empty `uri` the default is used: `LIBVIRT_DEFAULT_URI`, then `uri_default` of `libvirt.conf`, then the socket
/// that all drivers share. `test:///default` is a daemon within this process, which needs no libvirt.
///
/// If a URI has several sockets, they are tried in order. A Unix socket with a full queue, because its daemon is slow to
/// accept, is waited for, as a blocking client would.
///
/// Cancel-safe: if the future is dropped, there is no connection.
///
/// # Errors
///
/// See [`ConnectError`]. TLS and SSH are not supported.
///
/// # Examples
///
/// ```
/// use virt_remote::ConnectGetHostname;
/// use virt_tokio::{Options, connect};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let client = connect("test:///default", Options::default()).await?;
/// let host = client.call::<ConnectGetHostname>(&()).await?;
/// println!("{} answers within {:?}", host.hostname, client.ping().await?);
/// client.close().await;
/// # Ok(())
/// # }
/// ```
pub async fn connect(uri: &str, options: Options) -> Result<Client, ConnectError> {
    let environment = environment();
    let uri: Uri = if uri.is_empty() {
        environment.default_uri()?
    } else {
        uri.parse()?
    };
    let access = if options.preferences.read_only {
        Access::ReadOnly
    } else {
        Access::ReadWrite
    };
    let candidates = uri.candidates(&environment, access, Path::exists)?;
    let after = options.preferences.connect_timeout;
    let address = || addresses(&candidates);
    let mut left = TimeLeft::new(after);
    let Some(dialled) = left.limit(dial(&candidates, options)).await else {
        return Err(ConnectError::Timeout {
            address: address(),
            after,
        });
    };
    let (client, _) = dialled?;
    match client.open_within(&uri.name(), &mut left).await {
        Ok(()) => Ok(client),
        Err(ConnectError::Step {
            error: crate::CallError::Timeout { .. },
            ..
        }) if left.is_over() => Err(ConnectError::Timeout {
            address: address(),
            after,
        }),
        Err(error) => Err(error),
    }
}
