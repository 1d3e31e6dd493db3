//! Serves `test:///default` on a TCP port without libvirt, with a thread for each connection.
//!
//! ```console
//! $ cargo run -p virt-remote --example daemon -- 127.0.0.1:16600
//! $ virsh -c test+tcp://127.0.0.1:16600/default hostname
//! localhost
//! ```

use std::error::Error;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

use bytes::Buf;
use virt_keepalive::KeepAlive;
use virt_remote::{RemoteServer, TestHypervisor};
use virt_transport::{Role, Transmit, Transport};

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).ok_or("usage: daemon HOST:PORT")?;
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || match serve(stream) {
            Ok(()) => println!("closed by the client"),
            Err(error) => println!("closed: {error}"),
        });
    }
    Ok(())
}

/// Serves one client until it closes the connection.
fn serve(mut stream: TcpStream) -> Result<(), Box<dyn Error>> {
    let mut transport = Transport::new(Role::Server);
    let remote = transport.register(RemoteServer::new(TestHypervisor::default()))?;
    // Answers the PINGs of the client, and sends none.
    KeepAlive::new().register(&mut transport)?;
    loop {
        let read = stream.read(transport.space(4096))?;
        if read == 0 {
            return Err("the client went away without CONNECT_CLOSE".into());
        }
        transport.commit(read)?;
        while let Some(Transmit::Bytes(mut bytes)) = transport.poll_transmit() {
            let written = stream.write(bytes.chunk())?;
            bytes.advance(written);
        }
        if transport.with(&remote, |remote, _| remote.is_closed())? {
            return Ok(());
        }
    }
}
