//! Promises to users: public types can go to another thread, and print no secrets.

use virt_remote::{
    AuthError, Credentials, Domain, OpenError, Opening, Procedure, Prompt, RemoteServer, Step,
    TestHypervisor, Version,
};

fn is_send<T: Send>() {}

fn is_sync<T: Sync>() {}

#[test]
fn public_types_are_send() {
    is_send::<Opening>();
    is_send::<Step<'_>>();
    is_send::<Prompt>();
    is_send::<Credentials>();
    is_send::<OpenError>();
    is_sync::<OpenError>();
    is_sync::<AuthError>();
    is_send::<RemoteServer>();
    is_send::<TestHypervisor>();
    is_sync::<TestHypervisor>();
    is_send::<Domain>();
    is_sync::<Domain>();
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

#[test]
fn errors_of_opening_are_small() {
    assert!(size_of::<OpenError>() <= 72, "{}", size_of::<OpenError>());
    assert!(size_of::<AuthError>() <= 24, "{}", size_of::<AuthError>());
}
