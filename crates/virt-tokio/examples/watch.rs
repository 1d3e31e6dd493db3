//! Prints what happens to domains: `watch [URI [COUNT]]`. With a count it ends after as many events.

use virt_tokio::protocol::remote::DomainEventCallbackLifecycle;
use virt_tokio::{Notice, Options, connect};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let uri = args.next().unwrap_or("test:///default".to_owned());
    let count = args.next().map_or(Ok(usize::MAX), |count| count.parse())?;
    let client = connect(&uri, Options::default()).await?;

    let mut events = client
        .subscribe::<DomainEventCallbackLifecycle>(&None)
        .await?;
    println!("watching {uri}");
    for _ in 0..count {
        match events.recv().await? {
            Notice::Event(event) => {
                let event = event.msg;
                println!("{}: {:?}", event.dom.name.escape_debug(), event.event);
            }
            Notice::Lost(lost) => println!("{lost} events were lost"),
            Notice::Resumed => {}
        }
    }
    client.close().await;
    Ok(())
}
