//! The transport `tcp`.

use std::io;

use tokio::net::TcpStream;

use crate::{Client, Options};

pub(super) async fn dial(host: &str, port: u16, options: &Options) -> io::Result<Client> {
    let socket = TcpStream::connect((host, port)).await?;
    // A PING that waits for more data to join it measures nothing.
    socket.set_nodelay(true)?;
    Ok(Client::over_stream(socket, options.clone()))
}
