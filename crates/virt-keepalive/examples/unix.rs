//! Pings the libvirt daemon that listens on a Unix socket: five PINGs, a second apart.

use std::env;
use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use bytes::Buf;
use virt_keepalive::{KeepAlive, Ping};
use virt_transport::{Role, Transmit, Transport};

const SECOND: Duration = Duration::from_secs(1);

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args().nth(1).ok_or("usage: unix SOCKET")?;
    let mut socket = UnixStream::connect(&path).map_err(|error| format!("{path}: {error}"))?;
    let mut transport = Transport::new(Role::Client);
    let keepalive = KeepAlive::new()
        .max_inactive(3)
        .on_ack(|_| println!("PONG"))
        .register(&mut transport)?;

    for _ in 0..5 {
        match keepalive.ping(&mut transport)? {
            Ping::Sent => println!("PING"),
            Ping::Skipped => (),
            Ping::Expired => return Err("the daemon does not answer".into()),
        }
        while let Some(Transmit::Bytes(mut chunks)) = transport.poll_transmit() {
            let written = socket.write(chunks.chunk())?;
            chunks.advance(written);
        }
        receive_for(SECOND, &mut socket, &mut transport)?;
    }
    Ok(())
}

/// Reads from the socket for as long as `time`.
fn receive_for(
    time: Duration,
    socket: &mut UnixStream,
    transport: &mut Transport,
) -> Result<(), Box<dyn Error>> {
    let end = Instant::now() + time;
    while let Some(left) = end
        .checked_duration_since(Instant::now())
        .filter(|left| !left.is_zero())
    {
        socket.set_read_timeout(Some(left))?;
        match socket.read(transport.space(4096)) {
            Ok(0) => return Err("the daemon has closed the connection".into()),
            Ok(read) => transport.commit(read)?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => break,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}
