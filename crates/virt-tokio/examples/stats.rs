//! Prints statistics of all domains as a table: `stats [URI]`.

use virt_tokio::protocol::constants::{
    ConnectGetAllDomainStatsFlags, DomainState, DomainStatsTypes,
};
use virt_tokio::protocol::remote::Remote;
use virt_tokio::{Options, connect};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = std::env::args().nth(1);
    let uri = uri.as_deref().unwrap_or("qemu:///system");
    let client = connect(uri, Options::default()).await?;

    // No group is every group, and no domain is every domain.
    let groups = DomainStatsTypes::default();
    let flags = ConnectGetAllDomainStatsFlags::default();
    println!(
        "{:<24} {:<10} {:>12} {:>12}",
        "domain", "state", "CPU ms", "memory KiB"
    );
    for domain in client
        .connect_get_all_domain_stats(&[], groups, flags)
        .await?
    {
        let params = &domain.params;
        let state = params
            .get::<i32>("state.state")?
            .map_or(DomainState::NOSTATE, DomainState);
        // A domain that does not run has no such statistics.
        let cpu_time = params.get::<u64>("cpu.time")?.unwrap_or_default() / 1_000_000;
        let memory = params.get::<u64>("balloon.current")?.unwrap_or_default();
        let (name, state) = (domain.dom.name.escape_debug(), format!("{state:?}"));
        println!("{name:<24} {state:<10} {cpu_time:>12} {memory:>12}");
    }
    client.close().await;
    Ok(())
}
