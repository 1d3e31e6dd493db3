//! Turns of the runtime, until all input that is there is received.

use tokio::task::yield_now;

/// The number of turns that input may take.
///
/// From a socket to the caller that waits for an answer it takes two turns, and a few more if the daemon is within this
/// process.
const TURNS: usize = 16;

/// Lets all input be received that is there, without waiting for more.
///
/// After a pause of this process, the timers may be noticed before the socket: a signal such as SIGCONT wakes both.
pub(crate) async fn receive_all() {
    for _ in 0..TURNS {
        yield_now().await;
    }
}
