//! Lists all domains with their states: `domains [URI]`.

use virt_tokio::protocol::constants::ConnectListAllDomainsFlags;
use virt_tokio::protocol::remote::Remote;
use virt_tokio::{Options, connect};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = std::env::args().nth(1);
    let uri = uri.as_deref().unwrap_or("test:///default");
    let client = connect(uri, Options::default()).await?;

    let all = ConnectListAllDomainsFlags::default();
    for domain in client.connect_list_all_domains(all).await? {
        let state = client.domain_get_state(&domain).await?.state;
        // A domain that does not run has no ID.
        let id = match domain.id {
            -1 => "-".to_owned(),
            id => id.to_string(),
        };
        println!("{id:>4}  {:<30}  {state:?}", domain.name.escape_debug());
    }
    client.close().await;
    Ok(())
}
