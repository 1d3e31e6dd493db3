//! The console of a real guest, both ways, while calls go on.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use virt_remote::constants::DomainConsoleFlags;
use virt_remote::{ConnectGetHostname, Remote};
use virt_tests::{Guest, libvirt, libvirt::PATIENCE};
use virt_tokio::{CallError, Client, Console, Options, connect};

/// Words of the firmware.
const FIRMWARE: &str = "SeaBIOS (version ";

/// The mark of the boot sector, which echoes from then on.
const READY: &str = "#";

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(3 * PATIENCE, future)
        .await
        .expect("it comes within patience")
}

async fn console(client: &Client) -> Console {
    let guest = soon(client.domain_lookup_by_name("guest")).await.unwrap();
    let opened = client.domain_open_console(&guest, None, DomainConsoleFlags::default());
    soon(opened).await.unwrap().into_console()
}

/// The text of a console so far, and the end of its reader.
struct Text {
    text: watch::Receiver<String>,
    end: JoinHandle<std::io::Result<()>>,
}

impl Text {
    fn read(mut reading: impl AsyncRead + Send + Unpin + 'static) -> Self {
        let (sender, text) = watch::channel(String::new());
        let end = tokio::spawn(async move {
            let mut bytes = [0; 1000];
            loop {
                let length = reading.read(&mut bytes).await?;
                if length == 0 {
                    return Ok(());
                }
                sender.send_modify(|text| {
                    text.push_str(&String::from_utf8_lossy(&bytes[..length]));
                });
            }
        });
        Self { text, end }
    }

    /// Waits until words have come so often.
    async fn has(&mut self, words: &str, times: usize) {
        let waited = timeout(
            3 * PATIENCE,
            self.text
                .wait_for(|text| text.matches(words).count() >= times),
        );
        if waited.await.is_err() {
            panic!("{times} times {words} are not in {:?}", self.text.borrow());
        }
    }

    /// Sends lines, and waits for the echo of each.
    async fn echoes(&mut self, writing: &mut (impl AsyncWrite + Unpin), round: usize) {
        for line in 0..50 {
            // No longer than the serial port's queue, so that nothing is lost there.
            let words = format!("<{round}:{line}>");
            writing.write_all(words.as_bytes()).await.unwrap();
            self.has(&words, 1).await;
        }
    }
}

#[tokio::test]
async fn text_is_whole_both_ways_through_reset_destroy_and_start() {
    if !libvirt::guests_available("the console of a real guest") {
        return;
    }
    let guest = Guest::define().unwrap();
    // Nothing is said before somebody listens.
    guest.virsh(&["start", "guest", "--paused"]).unwrap();
    let client = soon(connect(&guest.uri(), Options::default()))
        .await
        .unwrap();
    let calls = Arc::new(AtomicU64::new(0));
    let calling = tokio::spawn({
        let (client, calls) = (client.clone(), Arc::clone(&calls));
        async move {
            while client.call::<ConnectGetHostname>(&()).await.is_ok() {
                calls.fetch_add(1, Ordering::Relaxed);
            }
        }
    });

    let (reading, mut writing) = console(&client).await.into_split();
    let mut text = Text::read(reading);
    guest.virsh(&["resume", "guest"]).unwrap();
    text.has(FIRMWARE, 1).await;
    text.has(READY, 1).await;
    text.echoes(&mut writing, 1).await;
    guest.virsh(&["reset", "guest"]).unwrap();
    text.has(FIRMWARE, 2).await;
    text.has(READY, 2).await;
    text.echoes(&mut writing, 2).await;

    guest.virsh(&["destroy", "guest"]).unwrap();
    let end = soon(text.end).await.unwrap();
    // The daemon ends the stream, with or without a reason.
    if let Err(error) = &end {
        let reason = error.get_ref().and_then(|error| error.downcast_ref());
        assert!(matches!(reason, Some(CallError::Aborted(_))), "{error}");
    }
    let mut last = Ok(());
    while last.is_ok() {
        last = soon(writing.write_all(b"nobody")).await;
    }

    guest.virsh(&["start", "guest", "--paused"]).unwrap();
    let (reading, mut writing) = tokio::io::split(console(&client).await);
    let mut text = Text::read(reading);
    guest.virsh(&["resume", "guest"]).unwrap();
    text.has(FIRMWARE, 1).await;
    text.has(READY, 1).await;
    text.echoes(&mut writing, 3).await;
    let before = calls.load(Ordering::Relaxed);
    assert!(before > 100, "{before} calls");
    assert!(soon(client.close()).await.to_string().contains("client"));
    soon(calling).await.unwrap();
    let error = soon(text.end).await.unwrap().unwrap_err();
    assert!(matches!(
        error.downcast::<CallError>(),
        Ok(CallError::Closed(_))
    ));
}
