//! A real daemon that is killed, stopped, started again and loses its socket, under sessions that call, stream and listen.
//!
//! The faults are random: `VIRT_SEED=<seed>` plays others, `VIRT_ROUNDS=<count>` plays more.

#![expect(
    clippy::unwrap_used,
    reason = "what helps a test may panic as a test may"
)]

use std::env;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{sleep, timeout};
use virt_remote::{ConnectGetHostname, DomainEventCallbackLifecycle, Remote};
use virt_tests::{Config, Storage, VolDownload, Volume, libvirt, libvirt::PATIENCE};
use virt_tokio::{
    CallError, Client, KeepAliveMode, Notice, Options, Session, SessionOptions, SubscriptionError,
};

const CALLERS: usize = 20;
const LISTENERS: usize = 3;
const STREAMERS: usize = 2;
/// The length of the volume: a hole, and then four bytes.
const VOLUME: u64 = 0x1_0004;

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(3 * PATIENCE, future)
        .await
        .expect("it comes within patience")
}

fn number(name: &str) -> Option<u64> {
    env::var(name).ok()?.parse().ok()
}

/// Ends a connection after 2 seconds of silence.
fn options() -> SessionOptions {
    let keepalive = KeepAliveMode::Send {
        interval: Duration::from_secs(1),
        count: 1,
    };
    SessionOptions::default()
        .connection(Options::default().keepalive(keepalive))
        .longest_delay(Duration::from_secs(2))
}

/// The numbers of calls by their end.
#[derive(Debug, Default)]
struct Ends {
    done: AtomicU64,
    sent: AtomicU64,
    unsent: AtomicU64,
}

impl Ends {
    fn count(&self, result: Result<(), CallError>) {
        let counter = match result {
            Ok(()) => &self.done,
            Err(error @ (CallError::Closed(_) | CallError::Timeout { .. })) if error.is_sent() => {
                &self.sent
            }
            Err(CallError::Closed(_) | CallError::Timeout { .. } | CallError::Busy { .. }) => {
                &self.unsent
            }
            Err(error) => panic!("{error}: {error:?}"),
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }
}

/// The events and `Resumed` that a listener has heard.
type Heard = watch::Receiver<(u64, u64)>;

/// The tasks on one daemon.
struct Tasks {
    set: JoinSet<()>,
    is_over: Arc<AtomicBool>,
    ends: Arc<Ends>,
}

impl Tasks {
    fn call(&mut self, session: &Session) {
        let (session, ends) = (session.clone(), Arc::clone(&self.ends));
        let is_over = Arc::clone(&self.is_over);
        self.set.spawn(async move {
            while !is_over.load(Ordering::Relaxed) {
                let client = session.client().await.unwrap();
                let client = client.with_timeout(PATIENCE);
                let call = client.call::<ConnectGetHostname>(&()).await;
                ends.count(call.map(drop));
                sleep(Duration::from_millis(1)).await;
            }
        });
    }

    fn stream(&mut self, session: &Session) {
        let (session, ends) = (session.clone(), Arc::clone(&self.ends));
        let is_over = Arc::clone(&self.is_over);
        self.set.spawn(async move {
            let volume = Volume {
                name: "volume",
                offset: 0,
                length: 0,
                flags: 0,
            };
            while !is_over.load(Ordering::Relaxed) {
                let client = session.client().await.unwrap();
                let opened = client.call_with_stream::<VolDownload>(&volume).await;
                let copied = match opened {
                    Ok(((), stream)) => {
                        let mut download = stream.into_download();
                        tokio::io::copy(&mut download, &mut tokio::io::sink())
                            .await
                            .map_err(|error| error.downcast::<CallError>().unwrap())
                    }
                    Err(error) => Err(error),
                };
                if let Ok(length) = &copied {
                    // A download that is confirmed is complete.
                    assert_eq!(*length, VOLUME);
                }
                ends.count(copied.map(drop));
                sleep(Duration::from_millis(1)).await;
            }
        });
    }

    async fn listen(&mut self, session: &Session) -> Heard {
        let mut events = soon(session.subscribe::<DomainEventCallbackLifecycle>(&None))
            .await
            .unwrap();
        let (heard, watcher) = watch::channel((0, 0));
        self.set.spawn(async move {
            loop {
                match events.recv().await {
                    Ok(Notice::Event(event)) => {
                        assert_eq!(event.msg.dom.name, "test");
                        heard.send_modify(|(events, _)| *events += 1);
                    }
                    Ok(Notice::Resumed) => heard.send_modify(|(_, resumed)| *resumed += 1),
                    Ok(Notice::Lost(lost)) => panic!("{lost} events are lost"),
                    Err(SubscriptionError::Ended(_)) => return,
                    Err(error) => panic!("{error}"),
                }
            }
        });
        watcher
    }
}

/// Makes two events.
async fn toggle(client: &Client) -> Result<(), CallError> {
    let dom = client.domain_lookup_by_name("test").await?;
    client.domain_suspend(&dom).await?;
    client.domain_resume(&dom).await
}

/// Breaks the daemon in one of several ways; returns `true` if all connections are lost for certain.
async fn fault(mut storage: Storage, random: &mut fastrand::Rng) -> (Storage, bool) {
    let fault = random.u8(..5);
    let pause = Duration::from_millis(random.u64(..1000));
    spawn_blocking(move || {
        let daemon = storage.daemon();
        let is_lost = match fault {
            0 => {
                daemon.restart().unwrap();
                true
            }
            1 => {
                daemon.process().kill().unwrap();
                std::thread::sleep(pause);
                daemon.restart().unwrap();
                true
            }
            2 => {
                fs::remove_file(daemon.socket()).unwrap();
                std::thread::sleep(pause);
                daemon.restart().unwrap();
                true
            }
            3 => {
                // Longer than keepalive waits, unless this process stalls, too.
                daemon.process().stop().unwrap();
                std::thread::sleep(Duration::from_secs(4));
                daemon.process().resume().unwrap();
                false
            }
            _ => {
                daemon.process().stop().unwrap();
                std::thread::sleep(pause / 4);
                daemon.process().resume().unwrap();
                false
            }
        };
        (storage, is_lost)
    })
    .await
    .unwrap()
}

fn descriptors() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[tokio::test]
async fn sessions_come_back_with_their_events_and_every_call_has_an_end() {
    if !libvirt::available("sessions with a real daemon that is killed and started again") {
        return;
    }
    let seed = number("VIRT_SEED").unwrap_or(18);
    let rounds = number("VIRT_ROUNDS").unwrap_or(6);
    let mut random = fastrand::Rng::with_seed(seed);
    let mut storage = Storage::start(Config::default(), ["volume"]).unwrap();
    let descriptors_before = descriptors();
    let uris = [storage.daemon().unix_uri(), storage.daemon().tcp_uri()];
    let sessions = uris.map(|uri| Session::new(uri, options()));
    let volumes = Session::new(storage.uri(), options());
    let mut tasks = Tasks {
        set: JoinSet::new(),
        is_over: Arc::default(),
        ends: Arc::default(),
    };
    let mut listeners = Vec::new();
    for session in &sessions {
        for _ in 0..CALLERS {
            tasks.call(session);
        }
        for _ in 0..LISTENERS {
            listeners.push(tasks.listen(session).await);
        }
    }
    for _ in 0..STREAMERS {
        tasks.stream(&volumes);
    }

    for round in 0..rounds {
        let before: Vec<_> = listeners.iter().map(|heard| *heard.borrow()).collect();
        let is_lost;
        (storage, is_lost) = fault(storage, &mut random).await;
        for (heard, (_, resumed)) in listeners.iter_mut().zip(&before) {
            let again = heard.wait_for(|(_, now)| !is_lost || now > resumed);
            assert!(
                timeout(3 * PATIENCE, again).await.is_ok(),
                "round {round} of seed {seed}: nothing is resumed"
            );
        }
        // Events come again. A connection may be lost late, by keepalive.
        soon(async {
            loop {
                let client = sessions[0].client().await.unwrap();
                let before: Vec<_> = listeners.iter().map(|heard| heard.borrow().0).collect();
                let toggled = toggle(&client.with_timeout(PATIENCE)).await;
                if let Err(error) = &toggled {
                    eprintln!("round {round} of seed {seed}: {error}");
                }
                let all = async {
                    for (heard, before) in listeners.iter_mut().zip(before) {
                        heard.wait_for(|(now, _)| *now > before).await.unwrap();
                    }
                };
                if timeout(Duration::from_secs(2), all).await.is_ok() {
                    return;
                }
            }
        })
        .await;
        soon(volumes.client()).await.unwrap();
    }

    tasks.is_over.store(true, Ordering::Relaxed);
    for session in sessions.iter().chain([&volumes]) {
        // The callers stop before their session does.
        soon(session.client()).await.unwrap();
    }
    soon(async {
        while tasks.set.len() > 2 * LISTENERS {
            tasks.set.join_next().await.unwrap().unwrap();
        }
    })
    .await;
    for session in sessions.iter().chain([&volumes]) {
        soon(session.close()).await;
    }
    soon(async {
        while let Some(ended) = tasks.set.join_next().await {
            ended.unwrap();
        }
    })
    .await;
    let Ends { done, sent, unsent } = &*tasks.ends;
    let ends = [done, sent, unsent].map(|count| count.load(Ordering::Relaxed));
    eprintln!("seed {seed}: {ends:?} calls done, failed after they were sent, and before");
    assert!(ends[0] > 100 * rounds && ends[1] > 0, "{ends:?}");

    // Nothing is left behind: no task, and no descriptor.
    soon(async {
        let metrics = tokio::runtime::Handle::current().metrics();
        while metrics.num_alive_tasks() > 0 || descriptors() > descriptors_before + 1 {
            sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
}
