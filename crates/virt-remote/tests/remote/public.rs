//! What users rely on: these types can go to another thread.

use virt_remote::{NonnullDomain, Procedure, RemoteServer, TestHypervisor, Version};

fn is_send<T: Send>() {}

fn is_sync<T: Sync>() {}

#[test]
fn public_types_are_send() {
    is_send::<RemoteServer>();
    is_send::<TestHypervisor>();
    is_sync::<TestHypervisor>();
    is_send::<NonnullDomain>();
    is_sync::<NonnullDomain>();
    is_send::<Version>();
    is_send::<Procedure>();
}

#[test]
fn a_server_prints_its_state_and_no_hooks() {
    let server = RemoteServer::new(TestHypervisor::default()).on_polkit(|| true);
    assert_eq!(
        format!("{server:?}"),
        "RemoteServer { auth: [], authenticated: false, uri: None, closed: false, .. }"
    );
}
