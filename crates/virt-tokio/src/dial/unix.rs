//! The transport `unix`.

use std::io;
use std::path::Path;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::time::sleep;

use crate::{Client, Options};

/// The delay before a socket is tried again whose queue is full.
const FULL_QUEUE_DELAY: Duration = Duration::from_millis(10);

pub(super) async fn dial(path: &Path, options: &Options) -> io::Result<Client> {
    let socket = loop {
        match UnixStream::connect(path).await {
            // Linux lets a blocking connect wait for room in the queue, but does not notify of it.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                sleep(FULL_QUEUE_DELAY).await;
            }
            result => break result?,
        }
    };
    Ok(Client::over_unix(socket, options.clone()))
}
