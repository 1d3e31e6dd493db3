//! Pings the libvirt daemon that listens on a Unix socket: five PINGs, a second apart.

use std::env;
use std::error::Error;
use std::io::{ErrorKind, Read};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use virt_keepalive::{KeepAlive, Ping};
use virt_transport::{Role, Transport};

fn main() -> Result<(), Box<dyn Error>> {
    let path = env::args_os().nth(1).ok_or("usage: unix SOCKET")?;
    let path = PathBuf::from(path);
    let mut socket = UnixStream::connect(&path)
        .map_err(|error| format!("cannot connect to {}: {error}", path.display()))?;
    // A daemon that sends and does not read gets no more than this much patience.
    socket.set_write_timeout(Some(Duration::from_secs(1)))?;
    let mut transport = Transport::new(Role::Client);
    let keepalive = KeepAlive::new()
        .max_inactive(3)
        .on_ack(|_| println!("PONG"))
        .register(&mut transport)?;

    for _ in 0..5 {
        match keepalive.ping(&mut transport) {
            Ping::Sent => println!("PING"),
            Ping::Skipped => (),
            Ping::Expired => break,
        }
        write(&mut transport, &mut socket)?;

        let next = Instant::now() + Duration::from_secs(1);
        while let Some(left) = next.checked_duration_since(Instant::now())
            && !left.is_zero()
        {
            socket.set_read_timeout(Some(left))?;
            match socket.read(transport.space(4096)) {
                Ok(0) => return Err("the daemon has closed the connection".into()),
                Ok(read) => {
                    transport.commit(read)?;
                    write(&mut transport, &mut socket)?;
                }
                Err(error) => match error.kind() {
                    // The second is over, or this process was stopped and goes on.
                    ErrorKind::WouldBlock | ErrorKind::Interrupted => (),
                    _ => return Err(error.into()),
                },
            }
        }
    }
    match keepalive.inactive(&mut transport) {
        ..=0 => Ok(()),
        _ => Err("the daemon does not answer".into()),
    }
}

/// Writes all output before anything more is read, so that no flood of PINGs can pile up PONGs.
fn write(transport: &mut Transport, socket: &mut UnixStream) -> Result<(), Box<dyn Error>> {
    loop {
        match transport.write_to(socket) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                return Err("the daemon does not read".into());
            }
            result => result?,
        }
        if !transport.is_paused() {
            return Ok(());
        }
        transport.resume()?;
    }
}
