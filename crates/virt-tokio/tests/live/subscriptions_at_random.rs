//! Subscriptions that come and go at random, with a daemon as strict and as slow as libvirt's: nothing is missed, double or
//! somebody else's.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};
use virt_testkit::peer::{Peer, soon};
use virt_tokio::{
    Client, KeepAliveMode, Notice, Options, Session, SessionOptions, Subscription,
    SubscriptionError,
};

use crate::support::{Happen, SECOND, connected, deregistered, happens, refused, registered};

const READERS: u64 = 12;
const OBJECTS: u64 = 4;
/// The events of an object are numbered from this multiple of it on.
const NUMBERS: u32 = 1_000_000;

/// A generator of numbers that are random enough.
struct Random(u64);

impl Random {
    fn below(&mut self, range: Range<u64>) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        range.start + (self.0 >> 33) % (range.end - range.start)
    }

    fn millis(&mut self, range: Range<u64>) -> Duration {
        Duration::from_millis(self.below(range))
    }
}

/// The registrations of the daemon: the object of each, and the number of its next event.
#[derive(Debug, Default)]
struct Registered {
    active: BTreeMap<u32, (u32, u32)>,
    next_id: u32,
    refusals: u32,
}

/// Plays a daemon. It sends events from the registration on, which may be long before its reply, and until the end of the
/// deregistration.
async fn daemon(peer: Peer, state: Arc<Mutex<Registered>>, mut random: Random) {
    let (mut hearing, mut saying) = peer.split();
    let (frames, mut heard) = mpsc::unbounded_channel();
    // It ends with the daemon, and with it the connection.
    let mut ear = JoinSet::new();
    ear.spawn(async move { while frames.send(hearing.frame().await).is_ok() {} });
    // The serial of each deregistration in work, and its id; replies of the others.
    let mut due: Vec<(Instant, String, Option<u32>)> = Vec::new();
    loop {
        while let Ok(frame) = heard.try_recv() {
            let word = |at: usize| u32::from_be_bytes(frame[at..at + 4].try_into().unwrap());
            let (procedure, serial, argument) = (word(12), word(20), word(28));
            let at = Instant::now() + random.millis(0..20);
            let mut state = state.lock().unwrap();
            if procedure == 4 {
                due.push((at, deregistered(serial), Some(argument)));
            } else if state.active.values().any(|(object, _)| *object == argument) {
                state.refusals += 1;
                due.push((at, refused(serial), None));
            } else {
                let id = state.next_id;
                state.next_id += 1;
                state.active.insert(id, (argument, argument * NUMBERS));
                due.push((at, registered(serial, id), None));
            }
        }
        for _ in 0..random.below(0..3) {
            let event = {
                let mut state = state.lock().unwrap();
                let count = state.active.len() as u64;
                let chosen = (count > 0).then(|| random.below(0..count));
                chosen.and_then(|chosen| {
                    let (id, (_, number)) = state
                        .active
                        .iter_mut()
                        .nth(usize::try_from(chosen).unwrap())?;
                    *number += 1;
                    Some(happens(*id, *number))
                })
            };
            if let Some(event) = event {
                saying.says(&event).await;
            }
        }
        let now = Instant::now();
        while let Some(index) = due.iter().position(|(at, ..)| *at <= now) {
            let (_, reply, left) = due.remove(index);
            if let Some(id) = left {
                state.lock().unwrap().active.remove(&id);
            }
            saying.says(&reply).await;
        }
        sleep(Duration::from_millis(1)).await;
    }
}

/// The subscriber of a connection or of a session.
#[derive(Clone)]
enum Subscriber {
    Client(Client),
    Session(Session),
}

impl Subscriber {
    async fn subscribe(&self, object: u32) -> Result<Subscription<Happen>, SubscriptionError> {
        match self {
            Self::Client(client) => {
                let subscribed = client.subscribe::<Happen>(&object).await;
                subscribed.map_err(SubscriptionError::Refused)
            }
            Self::Session(session) => session.subscribe::<Happen>(&object).await,
        }
    }
}

/// The numbers of events and of resumed subscriptions that a reader has heard of.
#[derive(Debug, Default)]
struct Heard {
    events: u32,
    resumed: u32,
}

/// Subscribes again and again, and reads some events each time.
async fn read(subscriber: Subscriber, mut random: Random) -> Heard {
    let mut heard = Heard::default();
    for _ in 0..30 {
        let object = u32::try_from(random.below(0..OBJECTS)).unwrap();
        let patience = random.millis(0..100);
        let Ok(subscribed) = timeout(patience, subscriber.subscribe(object)).await else {
            continue;
        };
        let mut events = subscribed.unwrap();
        let mut last = None;
        for _ in 0..random.below(0..20) {
            let body = match soon(events.recv()).await.unwrap() {
                Notice::Event(body) => body,
                Notice::Resumed => {
                    last = None;
                    heard.resumed += 1;
                    continue;
                }
                Notice::Lost(lost) => panic!("{lost} events are lost"),
            };
            let number = u32::try_from(body & 0xffff_ffff).unwrap();
            assert_eq!(number / NUMBERS, object, "an event of somebody else");
            assert!(
                last.is_none_or(|last| number == last + 1),
                "missed or double"
            );
            last = Some(number);
            heard.events += 1;
        }
        drop(events);
        sleep(random.millis(0..30)).await;
    }
    heard
}

/// Lets readers go on until they have read enough.
async fn read_all(subscriber: &Subscriber, seed: u64) -> Heard {
    let mut readers = JoinSet::new();
    for reader in 0..READERS {
        readers.spawn(read(subscriber.clone(), Random(seed * 1000 + reader)));
    }
    let mut total = Heard::default();
    while let Some(heard) = readers.join_next().await {
        let heard = heard.unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        total.events += heard.events;
        total.resumed += heard.resumed;
    }
    total
}

#[tokio::test(start_paused = true)]
async fn readers_at_random_miss_nothing_and_leave_nothing() {
    for seed in 0..20 {
        let (client, peer) = connected(Options::default());
        let state = Arc::new(Mutex::new(Registered::default()));
        let playing = tokio::spawn(daemon(peer, Arc::clone(&state), Random(seed)));
        let total = read_all(&Subscriber::Client(client), seed).await.events;
        sleep(SECOND).await;
        let state = state.lock().unwrap();
        assert!(total > 500, "{total} events");
        assert!(state.next_id > 10, "{} registrations", state.next_id);
        assert_eq!(state.refusals, 0, "seed {seed}: registered twice");
        assert_eq!(state.active.len(), 0, "seed {seed}: not deregistered");
        playing.abort();
    }
}

#[tokio::test(start_paused = true)]
async fn readers_of_a_session_hear_of_each_gap_and_never_of_old_ids() {
    for seed in 0..20 {
        let mut random = Random(seed);
        let daemons = Arc::new(Mutex::new(Vec::new()));
        let all = Arc::clone(&daemons);
        let options = SessionOptions::default()
            .longest_delay(SECOND / 10)
            .seed(seed);
        let session = Session::with_dial(options, move || {
            let (ours, theirs) = tokio::io::duplex(64 * 1024);
            let state = Arc::new(Mutex::new(Registered::default()));
            all.lock().unwrap().push(Arc::clone(&state));
            let playing = daemon(Peer(theirs), state, Random(random.below(0..1000)));
            // It dies at any time, also while it registers.
            tokio::spawn(timeout(random.millis(0..300), playing));
            let connection = Options::default().keepalive(KeepAliveMode::Off);
            async move { Ok(Client::over_stream(ours, connection)) }
        });
        let total = read_all(&Subscriber::Session(session), seed).await;
        assert!(total.events > 300 && total.resumed > 5, "{total:?}");
        let daemons = daemons.lock().unwrap();
        assert!(daemons.len() > 5, "{} connections", daemons.len());
        for state in &*daemons {
            let refusals = state.lock().unwrap().refusals;
            assert_eq!(refusals, 0, "seed {seed}: registered twice");
        }
    }
}
