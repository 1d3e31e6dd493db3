//! The public types: they can move to another thread, and `Debug` shows their content.

use virt_keepalive::{
    Counts, KeepAlive, KeepAliveContext, KeepAliveHandle, Ping, Procedure, Tick, Timer, Tracker,
};

fn assert_send<T: Send>() {}

#[test]
fn every_public_type_is_send() {
    assert_send::<KeepAlive>();
    assert_send::<Counts>();
    assert_send::<KeepAliveContext<'_, '_>>();
    assert_send::<KeepAliveHandle>();
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
    assert_sync::<Counts>();
    assert_sync::<Timer>();
    assert_sync::<Tracker>();
}

#[test]
fn a_procedure_shows_its_name_or_else_its_number() {
    assert_eq!(Procedure::PING.name(), Some("PING"));
    assert_eq!(Procedure::PONG.name(), Some("PONG"));
    assert_eq!(Procedure(3).name(), None);
    assert_eq!(i32::from(Procedure::PONG), 2);
    assert_eq!(
        format!("{:?}", [Procedure(1), Procedure(2), Procedure(3)]),
        "[PING, PONG, Procedure(3)]"
    );
}

#[test]
fn a_program_shows_its_count_of_silence() {
    assert_eq!(
        format!("{:?}", KeepAlive::new().max_inactive(3)),
        "KeepAlive { tracker: Tracker { max_inactive: 3, inactive: 0 }, .. }"
    );
}
