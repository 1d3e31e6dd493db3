//! What `--format json` prints, for a section of the man page; a test holds it against the events.

/// An object: its name, its keys, and what it means.
pub(crate) type Object = (&'static str, &'static str, &'static str);

/// What each line has.
pub(crate) const LINE: Object = (
    "Each line",
    "uri timestamp_ns event",
    "Whom it is about, when it was, since the beginning of 1970 in UTC, and which of these it is:",
);

/// What each event has besides.
pub(crate) const EVENTS: [Object; 12] = [
    (
        "phase",
        "phase time_ns",
        "With -v: a step of connecting is done, which is connect, authenticate, negotiate, open or first_pong.",
    ),
    (
        "connected",
        "address version keepalive mode",
        "It begins. keepalive says whether the daemon has it; mode is keepalive, rpc, raw or listen.",
    ),
    (
        "pong",
        "seq time_ns late",
        "A PONG, or the reply to a call. It is late if it was missed before.",
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
        "Nothing was sent, as so many are unanswered already.",
    ),
    (
        "ping",
        "seq after_ns",
        "With --listen: a PING of the daemon, so long after the one before.",
    ),
    (
        "closed",
        "reason message",
        "The connection is closed. reason is keepalive, end_of_file, error or client.",
    ),
    ("failed", "message exit", "There is no connection."),
    (
        "interim",
        "sent received late missed held_back duration_ns rtt percentiles histogram ended exit",
        "Ctrl-\\ was pressed: what the summary would be, but for histogram and ended.",
    ),
    (
        "summary",
        "sent received late missed held_back duration_ns rtt percentiles histogram ended exit",
        "How it went. What was sent is received or missed; what is late is received. ended is count, deadline, \
         interrupted or closed.",
    ),
    (
        "check",
        "ok time_ns version message exit",
        "All that --check tells; message says what is wrong.",
    ),
];

/// What is in a summary and has keys of its own.
pub(crate) const PARTS: [Object; 3] = [
    (
        "rtt",
        "min_ns avg_ns max_ns mdev_ns",
        "The round trips, or what was between the PINGs of --listen.",
    ),
    (
        "percentiles",
        "p50_ns p90_ns p99_ns p99_9_ns",
        "With --histogram: times that so many percent of all are not longer than.",
    ),
    (
        "histogram",
        "from_ns to_ns count",
        "With --histogram: a list of how many times were within each span.",
    ),
];
