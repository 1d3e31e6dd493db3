//! Two ends in memory, each with a keepalive program: a PING there, a PONG back, and what silence leads to.

use std::error::Error;

use bytes::Buf;
use virt_keepalive::{KeepAlive, Ping};
use virt_transport::{Role, Transmit, Transport};

fn main() -> Result<(), Box<dyn Error>> {
    let mut server = Transport::new(Role::Server);
    KeepAlive::new().register(&mut server)?;

    let mut client = Transport::new(Role::Client);
    let keepalive = KeepAlive::new()
        .max_inactive(2)
        .on_ack(|_| println!("client: we are still alive"))
        .on_fail(|link| println!("client: connection timed out, inactive {}", link.inactive()))
        .register(&mut client)?;

    println!("client: ping, {:?}", keepalive.ping(&mut client)?);
    carry("client", &mut client, &mut server)?;
    carry("server", &mut server, &mut client)?;

    println!("now nobody carries the PINGs any more");
    loop {
        let ping = keepalive.ping(&mut client)?;
        println!("client: ping, {ping:?}");
        if ping == Ping::Expired {
            return Ok(());
        }
    }
}

/// Hands to one end what the other has to send, as a socket would.
fn carry(name: &str, from: &mut Transport, to: &mut Transport) -> Result<(), Box<dyn Error>> {
    while let Some(Transmit::Bytes(mut chunks)) = from.poll_transmit() {
        let bytes = chunks.copy_to_bytes(chunks.remaining());
        println!("{name} sends {bytes:02x?}");
        to.receive(&bytes)?;
    }
    Ok(())
}
