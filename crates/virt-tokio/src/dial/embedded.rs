//! The daemon within this process, for `test:///default`.

use std::io;

use virt_remote::{RemoteServer, TestHypervisor};
use virt_transport::{RegisterError, Transport};

use crate::{Client, Control, Options, Server, ServerOptions};

/// Starts a daemon with the mock hypervisor at the other end of a socket pair.
pub(super) fn start(options: &Options) -> io::Result<Client> {
    #[cfg(unix)]
    let (client, server) = {
        let (ours, theirs) = tokio::net::UnixStream::pair()?;
        let server = Server::over_unix(theirs, trusting(), programs);
        (Client::over_unix(ours, options.clone()), server)
    };
    #[cfg(not(unix))]
    let (client, server) = {
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let server = Server::over_stream(theirs, trusting(), programs);
        (Client::over_stream(ours, options.clone()), server)
    };
    let (server, ()) = server.map_err(io::Error::other)?;
    // It runs until its client has gone.
    tokio::spawn(async move { server.closed().await });
    Ok(client)
}

/// Options without time limits: the client is this process.
fn trusting() -> ServerOptions {
    ServerOptions::default()
        .open_timeout(None)
        .frame_timeout(None)
        .write_timeout(None)
}

fn programs(transport: &mut Transport, control: &Control) -> Result<(), RegisterError> {
    let (start, close) = (control.clone(), control.clone());
    let remote = RemoteServer::new(TestHypervisor::default())
        .on_keepalive(move || start.start_keepalive())
        .on_close(move || close.close());
    transport.register(remote).map(drop)
}
