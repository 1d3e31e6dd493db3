//! A daemon made of this workspace's crates, as a process of its own: one that can be stopped and killed.
//!
//! `virt-test-server SOCKET INTERVAL COUNT` listens on the Unix socket `SOCKET` and on a free TCP port, whose
//! address is the first line that it prints. It serves the mock hypervisor and the [`Echo`] program, sends
//! PINGs of its own each `INTERVAL` seconds (0: none) up to `COUNT`, and prints a line for each connection
//! that has closed. It ends when its standard input does, so it does not outlive who started it.

use std::error::Error;
use std::net::Ipv4Addr;
use std::time::Duration;
use std::{env, io, process, thread};

use tokio::net::{TcpListener, UnixListener};
use virt_remote::{RemoteServer, TestHypervisor};
use virt_tests::Echo;
use virt_tokio::{Control, KeepAliveMode, Listener, ServerOptions};
use virt_transport::{RegisterError, Transport};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [socket, interval, count] = arguments.as_slice() else {
        return Err("usage: virt-test-server SOCKET INTERVAL COUNT".into());
    };
    let keepalive = KeepAliveMode::Send {
        interval: Duration::from_secs(interval.parse()?),
        count: count.parse()?,
    };
    let unix = UnixListener::bind(socket)?;
    let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    println!("{}", tcp.local_addr()?);
    thread::spawn(|| {
        // Nothing is ever written to it.
        let _ = io::copy(&mut io::stdin(), &mut io::sink());
        process::exit(0);
    });
    let (unix, tcp) = (Listener::unix(unix), Listener::tcp(tcp));
    loop {
        let client = tokio::select! {
            client = unix.accept() => client?,
            client = tcp.accept() => client?,
        };
        let options = ServerOptions::default().keepalive(keepalive);
        let (server, ()) = client.serve(options, programs)?;
        tokio::spawn(async move { println!("{}", server.closed().await) });
    }
}

fn programs(transport: &mut Transport, control: &Control) -> Result<(), RegisterError> {
    let (start, close) = (control.clone(), control.clone());
    let remote = RemoteServer::new(TestHypervisor::default())
        .on_keepalive(move || start.start_keepalive())
        .on_close(move || close.close());
    transport.register(remote)?;
    transport.register(Echo::default())?;
    Ok(())
}
