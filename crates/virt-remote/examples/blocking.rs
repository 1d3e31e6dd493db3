//! A blocking client: opens a connection, asks for the host's name, and keeps the connection alive for some seconds.
use std::io::{ErrorKind, Read};
use std::os::{fd::OwnedFd, unix::net::UnixStream};
use std::time::{Duration, Instant};
use std::{env, error::Error, net::TcpStream};

use virt_keepalive::{KeepAlive, Tick, Timer};
use virt_remote::{OpenOptions, Opening, PROGRAM, Phase, Procedure, Step};
use virt_transport::{Calls, Incoming, Raw, Role, Transport};

fn main() -> Result<(), Box<dyn Error>> {
    let [_, address, name, seconds] = &env::args().collect::<Vec<_>>()[..] else {
        return Err("usage: blocking PATH|HOST:PORT URI SECONDS".into());
    };
    let end = Instant::now() + Duration::from_secs(seconds.parse()?);
    let mut socket = match address.starts_with('/') {
        true => UnixStream::connect(address)?,
        false => OwnedFd::from(TcpStream::connect(address)?).into(), // To have one type for both.
    };
    socket.set_read_timeout(Some(Duration::from_millis(100)))?;
    socket.set_write_timeout(Some(Duration::from_secs(1)))?; // For a daemon that does not read.
    let mut transport = Transport::new(Role::Client);
    let remote = transport.register(Calls::new(PROGRAM))?;
    let keepalive = KeepAlive::new().register(&mut transport)?;
    let mut timer = Timer::new(Duration::from_secs(1), 5, Instant::now());
    let mut opening = Opening::new(OpenOptions::new(name));
    let mut hostname = None;
    while Instant::now() < end {
        if transport.waiting_calls() == 0 && hostname.is_none() {
            let (number, args) = match opening.poll()? {
                Step::Call(call) => (call.procedure, call.args.as_slice()),
                _ => (Procedure::CONNECT_GET_HOSTNAME.0, &[][..]), // It is open.
            };
            transport.with(&remote, |calls, cx| calls.call(cx, number, &Raw(args), ()))?;
        }
        transport.write_to(&mut socket)?;
        match socket.read(transport.space(4096)) {
            Ok(0) => return Err("the daemon has closed the connection".into()),
            Ok(count) => {
                timer.received(Instant::now());
                transport.commit(count)?; // PINGs are answered here.
            }
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error.into()),
            Err(_) => match timer.poll(Instant::now()) {
                Tick::Ping if opening.keepalive() => drop(keepalive.send_ping(&mut transport)),
                Tick::Dead => return Err("the daemon does not answer".into()),
                _ => {}
            },
        }
        match transport.with(&remote, |calls, _| calls.poll()) {
            Some(Incoming::Reply { result, .. }) if opening.phase() == Phase::Done => {
                hostname = Some(virt_xdr::from_slice::<String>(&result?)?);
            }
            Some(Incoming::Reply { result, .. }) => opening.on_reply(result),
            _ => {}
        }
    }
    let hostname = hostname.ok_or("the daemon has not said its name in time")?;
    println!("{hostname}: {:?}", keepalive.counts(&mut transport));
    Ok(())
}
