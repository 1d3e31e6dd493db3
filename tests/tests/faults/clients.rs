//! Many clients of ours at once, each behind a proxy that plays another trick.

use std::future::Future;
use std::io;
use std::panic;
use std::time::Duration;

use tokio::task::{JoinError, JoinSet};
use virt_tests::{Direction, Fault, Proxy, Target, Trick};
use virt_tokio::{
    CallError, Client, CloseReason, Closed, ConnectError, KeepAliveMode, Options, connect,
};

use crate::{LENGTH, PROGRAM, Result, SERIAL};

/// The number that run at once.
const AT_ONCE: usize = 24;

/// The outcome of a connection.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It was not opened.
    NotOpened(ConnectError),
    /// It was opened, these calls were made, and it was closed for this reason.
    Opened(Vec<std::result::Result<(), CallError>>, Closed),
}

/// Opens a connection through a proxy for each of the faults, has `calls` make its calls on it, closes it,
/// and judges what became of it.
pub(crate) fn run<F>(
    target: &Target,
    faults: &[Fault],
    calls: impl Fn(Client) -> F + Copy + Send + 'static,
) -> Result
where
    F: Future<Output = Vec<std::result::Result<(), CallError>>> + Send + 'static,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut running = JoinSet::new();
        for &fault in faults {
            if running.len() == AT_ONCE
                && let Some(ended) = running.join_next().await
            {
                raise(ended);
            }
            let proxy = Proxy::start(target.clone(), fault)?;
            running.spawn(async move {
                let outcome = open_call_and_close(proxy.uri(), calls).await;
                assert!(proxy.has_fired(), "{fault} was not played: {outcome:?}");
                drop(proxy);
                judge(fault, outcome);
            });
        }
        while let Some(ended) = running.join_next().await {
            raise(ended);
        }
        Ok(())
    })
}

async fn open_call_and_close<F>(uri: &str, calls: impl Fn(Client) -> F) -> Outcome
where
    F: Future<Output = Vec<std::result::Result<(), CallError>>>,
{
    let client = match connect(uri, options()).await {
        Ok(client) => client,
        Err(error) => return Outcome::NotOpened(error),
    };
    let calls = calls(client.clone()).await;
    Outcome::Opened(calls, client.close().await)
}

/// Dead after 3 seconds, and no opening takes longer than 5.
pub(crate) fn options() -> Options {
    Options::default()
        .connect_timeout(Duration::from_secs(5))
        .keepalive(KeepAliveMode::Send {
            interval: Duration::from_secs(1),
            count: 2,
        })
}

/// Returns whether all that was told is what it should be, once the trick was played.
#[track_caller]
fn judge(fault: Fault, outcome: Outcome) {
    let Fault {
        trick,
        direction,
        place,
    } = fault;
    let expected = match trick {
        Trick::Delay(_) | Trick::Trickle | Trick::Merge => CloseReason::Client,
        Trick::Cut => CloseReason::EndOfFile,
        Trick::Stop => CloseReason::KeepAlive,
        // A server answers nothing after an impossible length, it closes.
        Trick::Corrupt(_) if (direction, place.byte) == (Direction::Up, LENGTH.0) => {
            CloseReason::EndOfFile
        }
        // What comes back, or has come, is none of this client's.
        Trick::Corrupt(_) => {
            assert!([LENGTH.0, PROGRAM.0, SERIAL.0].contains(&place.byte));
            CloseReason::Error
        }
    };
    let is_expected = |closed: &Closed| {
        // The kernel tells of a peer that has closed without reading everything as of a failure.
        let reset = || {
            let error = closed.cause()?.downcast_ref::<io::Error>()?;
            Some(error.kind() == io::ErrorKind::ConnectionReset)
        };
        closed.reason() == expected || trick == Trick::Cut && reset() == Some(true)
    };
    let fits = match &outcome {
        // Before both ends know of the other that it has keepalive, there is but the time limit.
        Outcome::NotOpened(ConnectError::Timeout { .. }) => {
            trick == Trick::Stop && place.frame <= 1
        }
        Outcome::NotOpened(ConnectError::Step {
            error: CallError::Closed(closed),
            ..
        }) => expected != CloseReason::Client && is_expected(closed),
        Outcome::NotOpened(_) => false,
        Outcome::Opened(calls, closed) => {
            let call_fits = |call: &std::result::Result<(), CallError>| match call {
                Ok(()) => true,
                Err(CallError::Closed(closed)) => {
                    expected != CloseReason::Client && is_expected(closed)
                }
                Err(_) => false,
            };
            calls.iter().all(call_fits) && is_expected(closed)
        }
    };
    assert!(fits, "{fault}: {expected:?} was expected, not {outcome:?}");
}

/// Goes on with the panic of a case, if it had one.
fn raise(ended: std::result::Result<(), JoinError>) {
    if let Err(error) = ended {
        panic::resume_unwind(error.into_panic());
    }
}
