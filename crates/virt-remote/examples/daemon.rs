//! Serves `test:///default` on a TCP port without libvirt, with a thread for each of at most 100 connections.
//!
//! ```console
//! $ cargo run -p virt-remote --example daemon -- 127.0.0.1:16600
//! $ virsh -c test+tcp://127.0.0.1:16600/default hostname
//! localhost
//! ```

use std::error::Error;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use std::{env, thread};

use virt_keepalive::KeepAlive;
use virt_remote::{RemoteServer, TestHypervisor};
use virt_transport::{Role, Transport};

/// The most connections at once.
const CONNECTIONS: usize = 100;

/// The time that a client may be silent, or leave its output unread.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() -> Result<(), Box<dyn Error>> {
    let address = env::args().nth(1).ok_or("usage: daemon HOST:PORT")?;
    let listener = TcpListener::bind(address)?;
    println!("listening on {}", listener.local_addr()?);
    let connections = Arc::new(());
    loop {
        // Without a thread or a descriptor for it, the next client waits in the queue of the socket.
        let stream = match listener.accept() {
            Ok((stream, _)) if Arc::strong_count(&connections) <= CONNECTIONS => stream,
            Ok(_) => continue,
            Err(error) => {
                eprintln!("accept: {error}");
                thread::sleep(Duration::from_millis(100));
                continue;
            }
        };
        let connection = Arc::clone(&connections);
        let spawned = thread::Builder::new().spawn(move || {
            match serve(stream) {
                Ok(()) => println!("closed by the client"),
                Err(error) => println!("closed: {error}"),
            }
            drop(connection);
        });
        if let Err(error) = spawned {
            eprintln!("no thread for a client: {error}");
        }
    }
}

/// Serves one client until it closes the connection.
fn serve(mut stream: TcpStream) -> Result<(), Box<dyn Error>> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut transport = Transport::new(Role::Server);
    let remote = transport.register(RemoteServer::new(TestHypervisor::default()))?;
    // Answers the PINGs of the client, and sends none.
    KeepAlive::new().register(&mut transport)?;
    loop {
        // Nothing is read before all output is written, so a client that reads nothing costs no memory.
        transport.write_to(&mut stream)?;
        if transport.with(&remote, |remote, _| remote.is_closed()) {
            return Ok(());
        }
        if transport.is_resumable() {
            transport.resume()?;
            continue;
        }
        let read = stream.read(transport.space(4096))?;
        if read == 0 {
            return Err("the client went away without CONNECT_CLOSE".into());
        }
        transport.commit(read)?;
    }
}
