//! The keys of `--format json`, for a section of the man page; a test compares them with the events.

/// An object: its name, its keys, and its meaning.
pub(crate) type Object = (&'static str, &'static str, &'static str);

/// The keys of each line.
pub(crate) const LINE: Object = (
    "Each line",
    "uri timestamp_ns event",
    "The URI of the daemon, the time since the beginning of 1970 in UTC, and the name of the event, one of these:",
);

/// The further keys of each event.
pub(crate) const EVENTS: [Object; 14] = [
    (
        "phase",
        "phase time_ns",
        "With -v: a phase of connecting is over: connect, authenticate, negotiate, open or first_pong.",
    ),
    (
        "connected",
        "address version keepalive mode",
        "The connection is open. keepalive says whether the daemon agreed to it; mode is keepalive, rpc, raw or listen.",
    ),
    (
        "pong",
        "seq time_ns late",
        "A PONG, or the reply to a call. It is late if it was reported as missed before.",
    ),
    (
        "missed",
        "seq waited_ns",
        "No PONG came in time, or before the end.",
    ),
    ("outstanding", "seq", "With -O: there is no PONG yet."),
    (
        "held_back",
        "seq unanswered",
        "Nothing was sent, because so many are unanswered.",
    ),
    (
        "ping",
        "seq count after_ns",
        "With --listen: the daemon sent PINGs. seq is the number of the last one, count how many there were since the \
         event before, after_ns the time since then.",
    ),
    (
        "closed",
        "reason message",
        "The connection is closed. reason is keepalive, end_of_file, error or client.",
    ),
    (
        "waiting",
        "message",
        "With --wait or --reconnect: there is no connection yet, and attempts go on. It comes once for each message.",
    ),
    (
        "reconnected",
        "since_ns outage_ns attempts message",
        "With --reconnect: there is a connection again. since_ns is the time since the beginning of 1970 in UTC at which \
         the last one ended, outage_ns the time without one; message is the reason of its end.",
    ),
    ("failed", "message exit", "There is no connection."),
    (
        "interim",
        "sent received late missed held_back duration_ns rtt percentiles histogram outages ended exit",
        "Ctrl-\\ was pressed: the summary so far, without histogram and ended.",
    ),
    (
        "summary",
        "sent received late missed held_back duration_ns rtt percentiles histogram outages ended exit",
        "The numbers of the run. Each one that was sent is received or missed; late ones are received. ended is count, \
         deadline, interrupted or closed.",
    ),
    (
        "check",
        "ok time_ns version message exit",
        "The only event of --check; message is the fault.",
    ),
];

/// The parts of a summary that have keys of their own.
pub(crate) const PARTS: [Object; 4] = [
    (
        "rtt",
        "min_ns avg_ns max_ns mdev_ns",
        "The round trips; with --listen, the times between PINGs.",
    ),
    (
        "percentiles",
        "p50_ns p90_ns p99_ns p99_9_ns",
        "With --histogram: the times that 50, 90, 99 and 99.9 percent of all do not exceed.",
    ),
    (
        "histogram",
        "from_ns to_ns count",
        "With --histogram: a list of ranges, each with the number of times in it.",
    ),
    (
        "outages",
        "count total_ns longest_ns",
        "With --reconnect: the times without a connection, after the first one; the last one counts up to the end.",
    ),
];
