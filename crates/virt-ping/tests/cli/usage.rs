//! `--help`, and what is refused.

use crate::support::{EMBEDDED, run, snapshot};

#[test]
fn help() {
    snapshot!(run(&["-h"]), 0, @r#"
ping(8) for libvirt daemons

Usage: virt-ping [OPTIONS] [URI]...

Arguments:
  [URI]...  Whom to ping, such as qemu:///system; several are pinged side by
            side

Options:
  -c, --count <N>
          Stop after N PINGs; with -w, after N PONGs
  -i, --interval <SECS>
          Time from one PING to the next, at least 0.002 [default: 1]
  -W, --timeout <SECS>
          How long to wait for a PONG before it is missed [default: 1]
  -w, --deadline <SECS>
          End after this time, come what may
  -f, --flood
          PING as fast as PONGs come, with 64 under way (rpc: 4) and no line for
          each
  -q, --quiet
          Print the first line and the statistics only
  -v, --verbose
          Time each step of connecting
  -D, --timestamps
          Begin each line with the time
  -O, --outstanding
          Tell of a PING that has no PONG yet before the next is sent
  -a, --audible
          Ring the bell at each PONG
      --mode <MODE>
          What to send: keepalive or rpc [default: keepalive]
      --raw
          PING without authentication or negotiation
      --listen
          Send nothing, and tell of the daemon's own PINGs
      --check
          PING once: one line on standard output, and the exit status
      --format <FORMAT>
          How to print: text or json [default: text]
      --histogram
          End with percentiles and a bar chart
  -r, --readonly
          Connect for reading only
  -k, --keepalive-interval <SECS>
          Silence after which the session asks for a sign of life; 0 is never
          [default: 5]
  -K, --keepalive-count <N>
          How often it asks; the link is dead at interval * (count + 1)
          [default: 5]
      --connect-timeout <SECS>
          How long connecting may take [default: 10]
  -h, --help
          Print help (see more with '--help')
  -V, --version
          Print version

Exit status:
  0  PONGs came
  1  none came, or fewer than -c by -w, or the link died
  2  there was no connection, or anything else went wrong
  3  the options are wrong
  4  the daemon requires an authentication that fails or is not supported
  Of several URIs the highest one counts.

Examples:
  virt-ping -c 5 test:///default         a daemon within the program itself
  virt-ping qemu:///system               until Ctrl-C; Ctrl-\ shows how it goes
  virt-ping --mode rpc -w 10 qemu+tcp://host/system
  virt-ping --check -q qemu:///system && echo alive
"#);
}

#[test]
fn long_help_fits_a_terminal() {
    let help = run(&["--help"]);
    assert_eq!(help.status, Some(0));
    let wide: Vec<_> = help.stdout.lines().filter(|line| line.len() > 80).collect();
    assert!(wide.is_empty(), "{wide:?}");
    snapshot!(help, 0, @r#"
ping(8) for libvirt daemons

Is the link alive, how fast does it answer, and does it keep answering?

Usage: virt-ping [OPTIONS] [URI]...

Arguments:
  [URI]...
          Whom to ping, such as qemu:///system; several are pinged side by side
          
          Without one: LIBVIRT_DEFAULT_URI, then uri_default of libvirt.conf,
          then the sockets that exist. test:///default is a daemon within this
          process, and needs no libvirt.

Options:
  -c, --count <N>
          Stop after N PINGs; with -w, after N PONGs

  -i, --interval <SECS>
          Time from one PING to the next, at least 0.002
          
          [default: 1]

  -W, --timeout <SECS>
          How long to wait for a PONG before it is missed
          
          [default: 1]

  -w, --deadline <SECS>
          End after this time, come what may

  -f, --flood
          PING as fast as PONGs come, with 64 under way (rpc: 4) and no line for
          each

  -q, --quiet
          Print the first line and the statistics only

  -v, --verbose
          Time each step of connecting

  -D, --timestamps
          Begin each line with the time

  -O, --outstanding
          Tell of a PING that has no PONG yet before the next is sent

  -a, --audible
          Ring the bell at each PONG

      --mode <MODE>
          What to send: keepalive or rpc
          
          PINGs are answered by the daemon's I/O loop, also when its workers
          hang. rpc makes calls instead, which a worker has to answer, and finds
          those.
          
          [default: keepalive]

      --raw
          PING without authentication or negotiation
          
          A daemon answers PINGs as soon as it is connected to.

      --listen
          Send nothing, and tell of the daemon's own PINGs
          
          A daemon sends them to a client that is silent, by default after 5
          seconds.

      --check
          PING once: one line on standard output, and the exit status

      --format <FORMAT>
          How to print: text or json
          
          json is one object a line, times are integers in nanoseconds. The man
          page lists the keys.
          
          [default: text]

      --histogram
          End with percentiles and a bar chart

  -r, --readonly
          Connect for reading only

  -k, --keepalive-interval <SECS>
          Silence after which the session asks for a sign of life; 0 is never
          
          [default: 5]

  -K, --keepalive-count <N>
          How often it asks; the link is dead at interval * (count + 1)
          
          [default: 5]

      --connect-timeout <SECS>
          How long connecting may take
          
          [default: 10]

  -h, --help
          Print help (see a summary with '-h')

  -V, --version
          Print version

Exit status:
  0  PONGs came
  1  none came, or fewer than -c by -w, or the link died
  2  there was no connection, or anything else went wrong
  3  the options are wrong
  4  the daemon requires an authentication that fails or is not supported
  Of several URIs the highest one counts.

Examples:
  virt-ping -c 5 test:///default         a daemon within the program itself
  virt-ping qemu:///system               until Ctrl-C; Ctrl-\ shows how it goes
  virt-ping --mode rpc -w 10 qemu+tcp://host/system
  virt-ping --check -q qemu:///system && echo alive
"#);
}

#[test]
fn version() {
    let version = run(&["-V"]);
    assert_eq!(
        version.stdout,
        format!("virt-ping {}\n", env!("CARGO_PKG_VERSION"))
    );
    assert_eq!(version.status, Some(0));
}

#[test]
fn numbers_have_limits() {
    snapshot!(run(&["-i", "0.001", EMBEDDED]), 3, @r#"
error: invalid value '0.001' for '--interval <SECS>': below the limit of 0.002: use -f to flood

For more information, try '--help'.
"#);
    snapshot!(run(&["-c", "0", EMBEDDED]), 3, @r#"
error: invalid value '0' for '--count <N>': 0 is not in 1..18446744073709551615

For more information, try '--help'.
"#);
    snapshot!(run(&["-W", "-1", EMBEDDED]), 3, @r#"
error: unexpected argument '-1' found

  tip: to pass '-1' as a value, use '-- -1'

Usage: virt-ping [OPTIONS] [URI]...

For more information, try '--help'.
"#);
    snapshot!(run(&["-w", "soon", EMBEDDED]), 3, @r#"
error: invalid value 'soon' for '--deadline <SECS>': not a number

For more information, try '--help'.
"#);
}

#[test]
fn some_options_exclude_each_other() {
    for options in [
        &["-f", "-i", "1"] as &[_],
        &["-f", "-O"],
        &["-f", "-a"],
        &["-v", "-q"],
        &["--raw", "--mode", "rpc"],
        &["--raw", "--listen"],
        &["--listen", "-f"],
        &["--listen", "--mode", "rpc"],
        &["--listen", "-W", "1"],
        &["--listen", "--histogram"],
        &["--check", "-c", "1"],
        &["--check", "--listen"],
        &["--check", "-v"],
    ] {
        let refused = run(&[options, &[EMBEDDED]].concat());
        assert_eq!(refused.status, Some(3), "{refused:?}");
        assert!(
            refused.stderr.contains("cannot be used with"),
            "{refused:?}"
        );
        assert_eq!(refused.stdout, "");
    }
}

#[test]
fn an_unknown_option_is_refused() {
    snapshot!(run(&["--colour", EMBEDDED]), 3, @r#"
error: unexpected argument '--colour' found

  tip: a similar argument exists: '--count'

Usage: virt-ping --count <N> [URI]...

For more information, try '--help'.
"#);
    snapshot!(run(&["--mode", "icmp", EMBEDDED]), 3, @r#"
error: invalid value 'icmp' for '--mode <MODE>'
  [possible values: keepalive, rpc]

For more information, try '--help'.
"#);
}
