//! Connects to a daemon, says what it is, stays while keepalive goes both ways, and leaves:
//! `cargo run -p virt-tokio --example connect -- 'test+unix:///default?socket=/run/libvirt/libvirt-sock'`

use std::time::Duration;

use virt_remote::{ConnectGetHostname, ConnectGetUri, ConnectGetVersion, Version};
use virt_tokio::{KeepAliveMode, Options, connect};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = std::env::args().nth(1);
    let uri = uri.as_deref().unwrap_or("test:///default");
    let (interval, count) = (Duration::from_secs(1), 2);
    let options = Options::default().keepalive(KeepAliveMode::Send { interval, count });
    let client = connect(uri, options).await?;

    let host = client.call::<ConnectGetHostname>(&()).await?.hostname;
    let version = Version::from(client.call::<ConnectGetVersion>(&()).await?);
    let uri = client.call::<ConnectGetUri>(&()).await?.uri;
    println!("{uri} on {host}, version {version}");

    // After that time without answers to PINGs each end closes the connection.
    tokio::time::sleep(interval * (count + 2)).await;
    println!("PONG after {:?}", client.ping().await?);
    println!("{}", client.close().await);
    Ok(())
}
