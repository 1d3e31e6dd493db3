//! What a user may rely on of the public types: they can move to another thread, and errors are small.

use virt_keepalive::{
    KeepAlive, KeepAliveError, KeepAliveHandle, Link, Ping, Procedure, Tick, Timer, Tracker,
};

fn assert_send<T: Send>() {}

#[test]
fn every_public_type_is_send() {
    assert_send::<KeepAlive>();
    assert_send::<KeepAliveError>();
    assert_send::<KeepAliveHandle>();
    assert_send::<Link<'_, '_>>();
    assert_send::<Ping>();
    assert_send::<Procedure>();
    assert_send::<Tick>();
    assert_send::<Timer>();
    assert_send::<Tracker>();
}

#[test]
fn a_handle_is_shared_between_threads() {
    fn assert_sync<T: Sync>() {}
    assert_sync::<KeepAliveHandle>();
    assert_sync::<KeepAliveError>();
    assert_sync::<Timer>();
    assert_sync::<Tracker>();
}

#[test]
fn an_error_is_small() {
    assert!(size_of::<KeepAliveError>() <= 24);
    assert!(size_of::<Result<Ping, KeepAliveError>>() <= 24);
}
