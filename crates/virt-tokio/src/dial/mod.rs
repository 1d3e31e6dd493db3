//! From a candidate to a connection: a file for each transport.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod abstract_socket;
mod embedded;
mod tcp;
#[cfg(unix)]
mod unix;

use virt_uri::{Candidate, Printable};

use crate::{Client, ConnectError, Options, debug};

/// Connects to the first candidate that can be reached, and returns it with the connection. Nothing is sent yet.
///
/// This is the part of [`connect`](crate::connect) before [`Client::open`], for a caller that does the steps one by one.
///
/// `connect_timeout` does not apply. A Unix socket with a full queue is waited for without limit: bound the wait with
/// [`tokio::time::timeout`].
///
/// Cancel-safe: if the future is dropped, there is no connection.
///
/// # Errors
///
/// [`ConnectError::Connect`] with the error of the last candidate, [`ConnectError::Unsupported`].
pub async fn dial(
    candidates: &[Candidate],
    options: Options,
) -> Result<(Client, Candidate), ConnectError> {
    let mut last = None;
    for candidate in candidates {
        let dialled = match candidate {
            Candidate::Embedded => embedded::start(&options),
            #[cfg(unix)]
            Candidate::Unix(path) => unix::dial(path, &options).await,
            #[cfg(any(target_os = "linux", target_os = "android"))]
            Candidate::Abstract(name) => abstract_socket::dial(name, &options).await,
            Candidate::Tcp { host, port } => tcp::dial(host, *port, &options).await,
            other => {
                let address = Printable(other).to_string();
                return Err(ConnectError::Unsupported { address });
            }
        };
        match dialled {
            Ok(client) => {
                debug!(candidate = %Printable(candidate), "connected");
                return Ok((client, candidate.clone()));
            }
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| std::io::ErrorKind::NotFound.into());
    Err(ConnectError::Connect {
        address: addresses(candidates),
        error,
    })
}

/// Returns the addresses of candidates on one line, for an error.
pub(crate) fn addresses(candidates: &[Candidate]) -> String {
    let addresses = candidates
        .iter()
        .map(|candidate| Printable(candidate).to_string());
    addresses.collect::<Vec<_>>().join(" or ")
}
