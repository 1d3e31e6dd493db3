//! Ten thousand live connections that only ping each other, in one thread: what they hold, what they take, and
//! whether they are on time.
//!
//! The connections are Unix sockets; their peers live in a process of their own, which is this program once
//! more. None of it is a time that criterion could measure: each number is measured once, and written where
//! criterion writes its own, so that `cargo xtask bench` finds it.

use std::env;
use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use allocation_counter::measure;
use rustix::process::{Resource, getrlimit, setrlimit};
use rustix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, sleep_until};
use virt_benches::samples;
use virt_tokio::{Client, KeepAliveMode, Options, Server, ServerOptions};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const PEERS: &str = "--peers";

/// The number of intervals that are measured; in each, every connection sends a PING.
const INTERVALS: u32 = 3;

/// The size of a measurement.
#[derive(Clone, Copy)]
struct Size {
    connections: usize,
    interval: Duration,
}

const WHOLE: Size = Size {
    connections: 10_000,
    interval: Duration::from_secs(1),
};

/// Enough to see that it runs.
const SMALL: Size = Size {
    connections: 10,
    interval: Duration::from_millis(100),
};

/// The results of one kind of connection.
struct Shown {
    /// The bytes that each holds beyond its socket.
    held: f64,
    /// The time of a processor that all of them take in an interval, in nanoseconds.
    processor: f64,
    /// By how much the latest PING was late, in nanoseconds.
    late: f64,
}

fn main() -> Result<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if let [peers, path, count] = arguments.as_slice()
        && peers == PEERS
    {
        return answer(Path::new(path), count.parse()?);
    }
    let wanted = Wanted::new(&arguments);
    let size = if wanted.measured { WHOLE } else { SMALL };
    let keepalive = KeepAliveMode::Send {
        interval: size.interval,
        count: 5,
    };
    let task = |socket| bare(socket, size.interval);
    wanted.run("task", size, task)?;
    let client = |socket| {
        let client = Client::over_unix(socket, Options::default().keepalive(keepalive));
        client.start_keepalive();
        client
    };
    wanted.run("client", size, client)?;
    let server = |socket| {
        let server = Server::over_unix(
            socket,
            ServerOptions::default().keepalive(keepalive),
            |_, control| {
                control.start_keepalive();
                Ok(())
            },
        );
        server.expect("no program").0
    };
    wanted.run("server", size, server)
}

/// The options of the command line, which is written for criterion.
struct Wanted {
    /// Part of the names of the benchmarks that it is about.
    filter: String,
    /// `true` if they are measured, or run to see that they do.
    measured: bool,
    baseline: String,
}

impl Wanted {
    fn new(arguments: &[String]) -> Self {
        let has = |name| arguments.iter().any(|argument| argument == name);
        let mut baselines = arguments
            .iter()
            .skip_while(|name| *name != "--save-baseline");
        let baseline = baselines.nth(1).cloned();
        let mut filters = arguments
            .iter()
            .filter(|argument| !argument.starts_with('-') && Some(*argument) != baseline.as_ref());
        Self {
            filter: filters.next().cloned().unwrap_or_default(),
            measured: has("--bench") && !has("--test"),
            baseline: baseline.unwrap_or_else(|| "new".to_owned()),
        }
    }

    /// Measures connections of one kind, if they are wanted.
    fn run<T>(&self, name: &str, size: Size, start: impl Fn(UnixStream) -> T) -> Result<()> {
        if format!("idle/{name}").contains(&self.filter) {
            allow_descriptors(size.connections)?;
            self.tell(name, &run(size, start)?)?;
        }
        Ok(())
    }

    /// Says what was measured, and writes it as criterion writes an estimate.
    fn tell(&self, name: &str, shown: &Shown) -> Result<()> {
        let Shown {
            held,
            processor,
            late,
        } = shown;
        println!(
            "idle/{name}: {held:.0} bytes each, {:.1} ms of a processor in an interval, {:.1} ms late at most",
            processor / 1e6,
            late / 1e6,
        );
        if !self.measured {
            return Ok(());
        }
        for (what, value) in [("held", held), ("processor", processor), ("late", late)] {
            let directory = results().join(format!("idle/{name}-{what}/{}", self.baseline));
            fs::create_dir_all(&directory)?;
            let estimates = format!(r#"{{"mean":{{"point_estimate":{value}}}}}"#);
            fs::write(directory.join("estimates.json"), estimates)?;
        }
        Ok(())
    }
}

/// The directory of criterion's results.
fn results() -> PathBuf {
    let target = env::var_os("CARGO_TARGET_DIR").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"),
        PathBuf::from,
    );
    target.join("criterion")
}

/// Raises this process's limit of open sockets.
fn allow_descriptors(connections: usize) -> Result<()> {
    let needed = connections as u64 + 100;
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < needed) {
        if limit.maximum.is_some_and(|maximum| maximum < needed) {
            return Err(format!("{needed} open files are needed, {limit:?}").into());
        }
        limit.current = Some(needed);
        setrlimit(Resource::Nofile, limit)?;
    }
    Ok(())
}

/// Has connections of one kind ping their peers.
fn run<T>(size: Size, start: impl Fn(UnixStream) -> T) -> Result<Shown> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("socket");
    let runtime = runtime()?;
    let listener = {
        let _context = runtime.enter();
        UnixListener::bind(&path)?
    };
    let peers = peers(&path, size.connections)?;
    let mut sockets = Vec::new();
    runtime.block_on(async {
        for _ in 0..size.connections {
            sockets.push(listener.accept().await?.0);
        }
        Ok::<_, std::io::Error>(())
    })?;
    let mut connections = Vec::with_capacity(size.connections);
    let mut processor = Duration::ZERO;
    let held = measure(|| {
        runtime.block_on(async {
            let (begin, at_once) = (Instant::now(), size.connections.div_ceil(1000));
            for (number, socket) in sockets.drain(..).enumerate() {
                // One after the other, so that not all PINGs are due at once.
                if number % at_once == 0 {
                    let part = number as f64 / size.connections as f64;
                    sleep_until((begin + size.interval.mul_f64(part)).into()).await;
                }
                connections.push(start(socket));
            }
            // All timers run from now on, and the start is no part of what is measured.
            sleep(size.interval / 2).await;
            let before = used();
            sleep(size.interval * INTERVALS).await;
            processor = used() - before;
        });
    });
    // A peer whose connection has gone says how it was.
    runtime.block_on(async { drop(connections) });
    drop(runtime);
    let late = latest(peers)?.saturating_sub(size.interval);
    Ok(Shown {
        held: held.bytes_current as f64 / size.connections as f64,
        processor: processor.as_nanos() as f64 / f64::from(INTERVALS),
        late: late.as_nanos() as f64,
    })
}

/// The time of a processor that this thread has used.
fn used() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::try_from(time).expect("it only grows")
}

fn runtime() -> std::io::Result<Runtime> {
    Builder::new_current_thread().enable_all().build()
}

/// A task that sends a PING in each interval, and takes its PONG: the least that there can be.
fn bare(mut socket: UnixStream, interval: Duration) -> JoinHandle<()> {
    tokio::spawn(async move {
        let mut frame = [0; 28];
        loop {
            sleep(interval).await;
            socket.write_all(&samples::ping()).await.expect("a peer");
            socket.read_exact(&mut frame).await.expect("a peer");
            assert_eq!(frame, *samples::pong());
        }
    })
}

/// Starts the process of the peers.
fn peers(path: &Path, count: usize) -> Result<Child> {
    let mut command = Command::new(env::current_exe()?);
    command.arg(PEERS).arg(path).arg(count.to_string());
    Ok(command.stdout(Stdio::piped()).spawn()?)
}

/// The last report of the peers: the longest time to a PING.
fn latest(mut peers: Child) -> Result<Duration> {
    let mut line = String::new();
    let output = peers.stdout.take().ok_or("the peers have an output")?;
    BufReader::new(output).read_line(&mut line)?;
    if !peers.wait()?.success() {
        return Err("the peers were not content".into());
    }
    Ok(Duration::from_nanos(line.trim().parse()?))
}

/// The process of the peers: connects, answers each PING until the other end closes, and says the longest time
/// in nanoseconds from a PONG to the next PING.
fn answer(path: &Path, count: usize) -> Result<()> {
    allow_descriptors(count)?;
    let longest = runtime()?.block_on(async {
        let mut peers = JoinSet::new();
        for _ in 0..count {
            let socket = std::os::unix::net::UnixStream::connect(path)?;
            socket.set_nonblocking(true)?;
            peers.spawn(peer(UnixStream::from_std(socket)?));
        }
        let mut longest = Duration::ZERO;
        while let Some(peer) = peers.join_next().await {
            let (pings, time) = peer?;
            if pings < INTERVALS {
                return Err(format!("a connection that has sent {pings} PINGs").into());
            }
            longest = longest.max(time);
        }
        Ok::<_, Box<dyn Error>>(longest)
    })?;
    println!("{}", longest.as_nanos());
    Ok(())
}

async fn peer(mut socket: UnixStream) -> (u32, Duration) {
    let (ping, pong) = (samples::ping(), samples::pong());
    let (mut count, mut longest) = (0, Duration::ZERO);
    let mut frame = [0; 28];
    let mut answered: Option<Instant> = None;
    while socket.read_exact(&mut frame).await.is_ok() {
        assert_eq!(frame, *ping);
        count += 1;
        // How long the first one took is not known here: its interval began in the other process.
        longest = answered.map_or(longest, |answered| longest.max(answered.elapsed()));
        if socket.write_all(&pong).await.is_err() {
            break;
        }
        answered = Some(Instant::now());
    }
    (count, longest)
}
