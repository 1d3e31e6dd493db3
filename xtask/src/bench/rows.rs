//! The comparisons, and the greatest difference of each.

/// One ratio: how much longer `ours` takes than the fastest of `others`, or what it is without any.
pub(super) struct Row {
    /// The measured benchmark.
    pub(super) what: &'static str,
    /// The peer.
    pub(super) with: &'static str,
    pub(super) ours: &'static str,
    pub(super) others: &'static [&'static str],
    /// The number of times that `ours` does the work of one of the others, or its unit without any.
    pub(super) work: f64,
    /// The greatest ratio that is aimed at, if any is.
    pub(super) limit: Option<f64>,
}

/// The other codecs, as their benchmarks are called.
pub(super) const PEERS: [&str; 5] = [
    "libvirt-xdr",
    "onc-xdr",
    "serde-xdr",
    "stellar-xdr",
    "xdr-codec",
];

/// The benchmarks that have the peers in them.
pub(super) const WITH_PEERS: [(&str, &str); 6] = [
    ("header-decode", "header decode"),
    ("header-encode", "header encode"),
    ("error-decode", "error payload decode"),
    ("error-encode", "error payload encode"),
    ("domains-owned", "1,000 domains decode, owned"),
    ("domains-encode", "1,000 domains encode"),
];

/// The sizes of frames, and of the pieces that they come in.
pub(super) const SIZES: [&str; 5] = ["28B", "1KiB", "64KiB", "4MiB", "32MiB"];
pub(super) const PIECES: [&str; 5] = ["whole", "1", "28", "1460", "65536"];

/// A codec beside the floor.
macro_rules! floor {
    ($group:literal, $what:literal, $limit:expr) => {
        row(
            $what,
            FLOOR,
            concat!($group, "/virt-xdr"),
            &[concat!($group, "/floor")],
            $limit,
        )
    };
}

/// A codec beside the fastest of its peers.
macro_rules! peers {
    ($group:literal, $what:literal, $limit:expr) => {
        row(
            $what,
            "the fastest peer",
            concat!($group, "/virt-xdr"),
            &[
                concat!($group, "/libvirt-xdr"),
                concat!($group, "/onc-xdr"),
                concat!($group, "/serde-xdr"),
                concat!($group, "/stellar-xdr"),
                concat!($group, "/xdr-codec"),
            ],
            $limit,
        )
    };
}

/// The memory of an idle connection, in KiB.
macro_rules! held {
    ($who:literal, $what:literal, $limit:expr) => {
        Row {
            work: 1024.0,
            ..row($what, "1 KiB", concat!("idle/", $who, "-held"), &[], $limit)
        }
    };
}

const FLOOR: &str = "the floor";

const SOCKET: &str = "a bare socket's to a bare peer";

/// In nanoseconds.
const SECOND: f64 = 1e9;

pub(super) const ROWS: &[Row] = &[
    floor!("header-decode", "header decode", Some(1.5)),
    peers!("header-decode", "header decode", Some(0.5)),
    floor!("header-encode", "header encode", Some(1.5)),
    peers!("header-encode", "header encode", Some(1.0)),
    floor!("error-decode", "error payload decode", None),
    peers!("error-decode", "error payload decode", None),
    floor!("error-encode", "error payload encode", None),
    peers!("error-encode", "error payload encode", None),
    floor!("domains-owned", "1,000 domains decode, owned", Some(1.15)),
    peers!("domains-owned", "1,000 domains decode, owned", Some(1.0)),
    floor!(
        "domains-borrowed",
        "1,000 domains decode, borrowed",
        Some(1.3)
    ),
    floor!("domains-encode", "1,000 domains encode", None),
    peers!("domains-encode", "1,000 domains encode", Some(1.0)),
    row(
        "10,000 PINGs in one chunk, taken out of `FrameDecoder`",
        "the floor's walk over them where they lie",
        "pings/virt-xdr/10000",
        &["pings/floor/10000"],
        Some(2.5),
    ),
    Row {
        work: 100.0,
        ..row(
            "one of 10,000 PINGs in one chunk",
            "one of 100",
            "pings/virt-xdr/10000",
            &["pings/virt-xdr/100"],
            Some(1.3),
        )
    },
    Row {
        work: 100.0,
        ..row(
            "the same of the floor, whose data leaves the nearest cache, too",
            "one of 100",
            "pings/floor/10000",
            &["pings/floor/100"],
            None,
        )
    },
    row(
        "10,000 PINGs in one chunk, answered through `Transport`",
        "the floor that answers field by field",
        "pong/transport/10000",
        &["pong/floor/10000"],
        Some(1.5),
    ),
    row(
        "one PING, answered through `Transport`",
        "the floor that answers field by field",
        "pong/transport/1",
        &["pong/floor/1"],
        None,
    ),
    row(
        "4 MiB read straight into `FrameDecoder`",
        "a bare read into a buffer",
        "copies/read-into-decoder",
        &["copies/bare-read"],
        Some(1.1),
    ),
    row(
        "4 MiB given to `FrameDecoder` in pieces of 64 KiB",
        "one memcpy",
        "copies/push-pieces",
        &["copies/memcpy"],
        Some(1.3),
    ),
    row(
        "frames of one program, 16 registered",
        "1 registered",
        "dispatch/keepalive/16",
        &["dispatch/keepalive/1"],
        Some(1.3),
    ),
    row(
        "frames of 4 programs in turn",
        "1 registered",
        "dispatch/in-turn/4",
        &["dispatch/in-turn/1"],
        Some(1.3),
    ),
    row(
        "frames of 16 programs in turn",
        "1 registered",
        "dispatch/in-turn/16",
        &["dispatch/in-turn/1"],
        Some(1.5),
    ),
    row(
        "`ping()` and its PING written",
        FLOOR,
        "ping/transport",
        &["ping/floor"],
        None,
    ),
    row(
        "100,000 `Timer`s polled",
        FLOOR,
        "timer/virt-keepalive",
        &["timer/floor"],
        None,
    ),
    floor!(
        "remote-open-decode",
        "`CONNECT_OPEN`'s arguments decode",
        None
    ),
    floor!(
        "remote-open-encode",
        "`CONNECT_OPEN`'s arguments encode",
        None
    ),
    floor!(
        "remote-auth-list-decode",
        "`AUTH_LIST`'s reply decode",
        None
    ),
    floor!(
        "remote-auth-list-encode",
        "`AUTH_LIST`'s reply encode",
        None
    ),
    floor!(
        "remote-lifecycle-decode",
        "`DOMAIN_EVENT_LIFECYCLE` decode",
        None
    ),
    floor!(
        "remote-lifecycle-encode",
        "`DOMAIN_EVENT_LIFECYCLE` encode",
        None
    ),
    floor!(
        "remote-all-domains-decode",
        "`CONNECT_LIST_ALL_DOMAINS`'s reply of 1,000 decode",
        None
    ),
    floor!(
        "remote-all-domains-encode",
        "`CONNECT_LIST_ALL_DOMAINS`'s reply of 1,000 encode",
        None
    ),
    row(
        "a round trip of a live client to a bare peer",
        SOCKET,
        "round-trip/client",
        &["round-trip/socket"],
        Some(1.15),
    ),
    row(
        "a round trip of a bare socket to a live server",
        SOCKET,
        "round-trip/server",
        &["round-trip/socket"],
        Some(1.15),
    ),
    row(
        "a round trip of a live client to a live server",
        SOCKET,
        "round-trip/both",
        &["round-trip/socket"],
        Some(1.15),
    ),
    row(
        "a round trip of a live client to a bare peer",
        "a bare socket's that reads with room to spare",
        "round-trip/client",
        &["round-trip/roomy"],
        None,
    ),
    row(
        "a round trip of a live client to a bare peer",
        "that of a bare task which owns the socket, asked through channels",
        "round-trip/client",
        &["round-trip/task"],
        None,
    ),
    row(
        "a round trip of a bare socket, as above, with a timer in its runtime",
        "without one",
        "round-trip/socket",
        &["round-trip/no-timer"],
        None,
    ),
    row(
        "1,000 PINGs in one go to a live server, and their PONGs",
        "a bare socket's echo of the bytes",
        "pipelined/server/1000",
        &["pipelined/echo/1000"],
        Some(4.0),
    ),
    row(
        "10,000 PINGs in one go to a live server, and their PONGs",
        "a bare socket's echo of the bytes",
        "pipelined/server/10000",
        &["pipelined/echo/10000"],
        Some(4.0),
    ),
    held!(
        "client",
        "what each of 10,000 idle clients holds beyond its socket",
        Some(2.0)
    ),
    held!(
        "server",
        "what each of 10,000 idle servers holds beyond its socket",
        Some(2.0)
    ),
    held!("task", "what a bare task with a timer holds instead", None),
    row(
        "the processor's time that 10,000 clients take for a PING each",
        "10,000 such tasks",
        "idle/client-processor",
        &["idle/task-processor"],
        None,
    ),
    Row {
        work: SECOND,
        ..row(
            "the same, if they ping each second",
            "a second",
            "idle/client-processor",
            &[],
            Some(1.0),
        )
    },
    Row {
        work: SECOND,
        ..row(
            "the longest delay of one of these PINGs",
            "a second",
            "idle/client-late",
            &[],
            Some(0.1),
        )
    },
];

const fn row(
    what: &'static str,
    with: &'static str,
    ours: &'static str,
    others: &'static [&'static str],
    limit: Option<f64>,
) -> Row {
    Row {
        what,
        with,
        ours,
        others,
        work: 1.0,
        limit,
    }
}
