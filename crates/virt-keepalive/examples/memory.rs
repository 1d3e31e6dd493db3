//! Two ends in memory, each with a keepalive program: a PING, a PONG, and then silence until the link expires.

use std::error::Error;

use virt_keepalive::{KeepAlive, Ping};
use virt_transport::{Role, Transport};

fn main() -> Result<(), Box<dyn Error>> {
    let mut server = Transport::new(Role::Server);
    KeepAlive::new().register(&mut server)?;

    let mut client = Transport::new(Role::Client);
    let keepalive = KeepAlive::new()
        .max_inactive(2)
        .on_ack(|_| println!("client: we are still alive"))
        .on_fail(|cx| println!("client: connection timed out, inactive {}", cx.inactive()))
        .register(&mut client)?;

    println!("client: ping, {:?}", keepalive.ping(&mut client));
    carry("client", &mut client, &mut server)?;
    carry("server", &mut server, &mut client)?;

    println!("now nobody carries the PINGs any more");
    loop {
        let ping = keepalive.ping(&mut client);
        println!("client: ping, {ping:?}");
        if ping == Ping::Expired {
            return Ok(());
        }
    }
}

/// Carries the output of one end to the other, in place of a socket.
fn carry(name: &str, from: &mut Transport, to: &mut Transport) -> Result<(), Box<dyn Error>> {
    let mut bytes = Vec::new();
    from.write_to(&mut bytes)?;
    println!("{name} sends b\"{}\"", bytes.escape_ascii());
    to.receive(&bytes)?;
    Ok(())
}
