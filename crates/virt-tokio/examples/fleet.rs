//! Watches daemons, and prints which domains start and stop, across restarts of the daemons: `fleet URI...`.

use tokio::task::JoinSet;
use virt_remote::DomainEventCallbackLifecycle;
use virt_remote::constants::DomainEventType;
use virt_tokio::{Notice, Session, SessionOptions, SubscriptionError};

async fn watch(uri: String) -> Result<(), SubscriptionError> {
    let session = Session::new(&uri, SessionOptions::default());
    let mut events = session
        .subscribe::<DomainEventCallbackLifecycle>(&None)
        .await?;
    println!("{uri}: watched");
    loop {
        match events.recv().await? {
            Notice::Event(event) => match event.msg.event {
                DomainEventType::STARTED => println!("{uri}: {} started", event.msg.dom.name),
                DomainEventType::STOPPED => println!("{uri}: {} stopped", event.msg.dom.name),
                _ => {}
            },
            Notice::Lost(_) | Notice::Resumed => println!("{uri}: watched again, after a gap"),
        }
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let mut daemons: JoinSet<_> = std::env::args().skip(1).map(watch).collect();
    while let Some(Ok(ended)) = daemons.join_next().await {
        ended.unwrap_or_else(|error| eprintln!("{error}"));
    }
}
