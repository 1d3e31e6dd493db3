//! The other end of a connection: it sends and receives literal bytes when a test tells it to.

use std::future::Future;
use std::time::Duration;

use tokio::io::{
    AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, split,
};
use tokio::time::timeout;

use crate::{hex, wire};

/// The time that any one wait may take before its test fails.
pub const PATIENCE: Duration = Duration::from_secs(100);

/// The other end of a connection, which speaks in the notation of [`wire()`].
#[derive(Debug)]
pub struct Peer<S = DuplexStream>(pub S);

/// Waits for a future that is to be ready within [`PATIENCE`].
///
/// # Panics
///
/// If it is not.
pub async fn soon<F: Future>(future: F) -> F::Output {
    timeout(PATIENCE, future)
        .await
        .expect("it is ready within patience")
}

impl<S: AsyncWrite + Unpin> Peer<S> {
    /// Sends bytes.
    ///
    /// # Panics
    ///
    /// If the stream fails.
    pub async fn says(&mut self, text: &str) {
        soon(self.0.write_all(&wire(text)))
            .await
            .expect("the stream takes bytes");
    }
}

impl<S: AsyncRead + Unpin> Peer<S> {
    /// Receives a frame, which has to be this one.
    ///
    /// # Panics
    ///
    /// If the frame differs, or the stream fails.
    pub async fn hears(&mut self, text: &str) {
        let frame = soon(self.frame()).await;
        assert_eq!(hex(&frame), hex(&wire(text)));
    }

    /// Receives a frame, the length word included.
    ///
    /// # Panics
    ///
    /// If the stream fails or ends.
    pub async fn frame(&mut self) -> Vec<u8> {
        let mut length = [0; 4];
        self.read_exact(&mut length).await;
        let mut frame = length.to_vec();
        let length = u32::from_be_bytes(length);
        frame.resize(length.try_into().expect("a length fits in memory"), 0);
        self.read_exact(&mut frame[4..]).await;
        frame
    }

    /// Waits for this long, during which nothing may be received.
    ///
    /// # Panics
    ///
    /// If something is received.
    pub async fn hears_nothing_for(&mut self, time: Duration) {
        let heard = timeout(time, self.0.read_u8()).await;
        assert!(heard.is_err(), "heard {heard:?}");
    }

    /// Receives the end of the connection, and nothing before it.
    ///
    /// # Panics
    ///
    /// If something comes before the end, or the stream fails.
    pub async fn hears_the_end(&mut self) {
        let mut rest = Vec::new();
        let read = soon(self.0.read_to_end(&mut rest)).await;
        assert_eq!(hex(&rest), "");
        read.expect("the stream ends");
    }

    async fn read_exact(&mut self, bytes: &mut [u8]) {
        self.0
            .read_exact(bytes)
            .await
            .expect("the stream gives bytes");
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Peer<S> {
    /// Plays a daemon to a client that opens a connection without authentication and with keepalive, in three calls.
    ///
    /// # Panics
    ///
    /// If the client calls anything else.
    pub async fn opens(&mut self) {
        self.demands_no_authentication().await;
        self.hears("00000020 20008086 00000001 0000003c 00000000 00000002 00000000 0000000a")
            .await;
        self.says("00000020 20008086 00000001 0000003c 00000001 00000002 00000000 00000001")
            .await;
        self.hears(
            "00000038 20008086 00000001 00000001 00000000 00000003 00000000 \
             00000001 \"test:///default\" 00000000",
        )
        .await;
        self.says("0000001c 20008086 00000001 00000001 00000001 00000003 00000000")
            .await;
    }

    /// Plays a daemon to a client that opens a connection without authentication and without keepalive, in two calls;
    /// `flags` is 1 for a read-only one.
    ///
    /// # Panics
    ///
    /// If the client calls anything else.
    pub async fn opens_without_keepalive(&mut self, flags: u32) {
        self.demands_no_authentication().await;
        self.hears(&format!(
            "00000038 20008086 00000001 00000001 00000000 00000002 00000000 \
             00000001 \"test:///default\" {flags:08x}"
        ))
        .await;
        self.says("0000001c 20008086 00000001 00000001 00000001 00000002 00000000")
            .await;
    }

    async fn demands_no_authentication(&mut self) {
        self.hears("0000001c 20008086 00000001 00000042 00000000 00000001 00000000")
            .await;
        self.says("00000020 20008086 00000001 00000042 00000001 00000001 00000000 00000000")
            .await;
    }
}

impl Peer {
    /// Splits the two directions, each for a task of its own.
    #[must_use]
    pub fn split(self) -> (Peer<ReadHalf<DuplexStream>>, Peer<WriteHalf<DuplexStream>>) {
        let (read, write) = split(self.0);
        (Peer(read), Peer(write))
    }
}
