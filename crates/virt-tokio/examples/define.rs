//! Defines a domain from a file of XML and starts it: `define URI FILE.xml`.

use virt_tokio::protocol::constants::{DomainCreateFlags, DomainDefineFlags};
use virt_tokio::protocol::remote::Remote;
use virt_tokio::{CallError, Options, connect};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(uri), Some(file)) = (args.next(), args.next()) else {
        return Err("usage: define URI FILE.xml".into());
    };
    let xml = std::fs::read_to_string(&file)?;
    let client = connect(&uri, Options::default()).await?;

    let defined = client
        .domain_define_xml_flags(&xml, DomainDefineFlags::default())
        .await?;
    println!("defined {} ({})", defined.name.escape_debug(), defined.uuid);
    match client
        .domain_create_with_flags(&defined, DomainCreateFlags::default())
        .await
    {
        Ok(started) => println!("started with ID {}", started.id),
        Err(CallError::Reply(refused)) => println!("not started: {refused}"),
        Err(error) => return Err(error.into()),
    }
    client.close().await;
    Ok(())
}
