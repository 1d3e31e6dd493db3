//! `--help`, and options that are refused.

use crate::support::{EMBEDDED, run, snapshot};

#[test]
fn help() {
    snapshot!(run(&["-h"]), 0, @r#"
ping(8) for libvirt daemons

Usage: virt-ping [OPTIONS] [URI]...

Arguments:
  [URI]...  Daemons to ping, such as qemu:///system; several are pinged side by
            side

Options:
  -c, --count <N>
          Stop after N PINGs; with -w, after N PONGs
  -i, --interval <SECS>
          Time from one PING to the next, at least 0.002 [default: 1]
  -W, --timeout <SECS>
          Time after which a PONG is missed, above 0 [default: 1]
  -w, --deadline <SECS>
          End after this time, above 0, whatever happens
  -f, --flood
          PING as fast as PONGs come, with 64 in flight (rpc: 4) and no line for
          each
  -q, --quiet
          Print only the first line and the statistics
  -v, --verbose
          Print the time of each phase of connecting
  -D, --timestamps
          Begin each line with the time
  -O, --outstanding
          Report a PING without a PONG before the next is sent
  -a, --audible
          Ring the bell at each PONG
      --mode <MODE>
          Messages to send: keepalive or rpc [default: keepalive]
      --raw
          PING without authentication or negotiation
      --listen
          Send nothing, and print the daemon's own PINGs
      --wait
          Wait until the daemon is there, and try each second
      --reconnect
          Connect again when the connection ends, at once and then each second
      --check
          PING once: print one line, and exit with the status
      --format <FORMAT>
          Output format: text or json [default: text]
      --histogram
          End with percentiles and a bar chart
  -r, --readonly
          Connect read-only
  -k, --keepalive-interval <SECS>
          Silence after which a keepalive PING is sent; 0 is never [default: 5]
  -K, --keepalive-count <N>
          Keepalive PINGs until the link is dead, at interval * (count + 1)
          [default: 5]
      --connect-timeout <SECS>
          Time limit for connecting, above 0 [default: 10]
  -h, --help
          Print help (see more with '--help')
  -V, --version
          Print version

Exit status:
  0  PONGs came
  1  none came, or fewer than -c by -w, or the link died
  2  there was no connection, or another error
  3  the options are invalid
  4  the daemon requires authentication that is not supported or was refused
  With several URIs the highest status counts.

Examples:
  virt-ping -c 5 test:///default         a daemon within the program itself
  virt-ping qemu:///system               until Ctrl-C; Ctrl-\ prints statistics
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
          Daemons to ping, such as qemu:///system; several are pinged side by
          side
          
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
          Time after which a PONG is missed, above 0
          
          [default: 1]

  -w, --deadline <SECS>
          End after this time, above 0, whatever happens

  -f, --flood
          PING as fast as PONGs come, with 64 in flight (rpc: 4) and no line for
          each

  -q, --quiet
          Print only the first line and the statistics

  -v, --verbose
          Print the time of each phase of connecting

  -D, --timestamps
          Begin each line with the time

  -O, --outstanding
          Report a PING without a PONG before the next is sent

  -a, --audible
          Ring the bell at each PONG

      --mode <MODE>
          Messages to send: keepalive or rpc
          
          PINGs are answered by the daemon's I/O loop, even if its workers hang.
          rpc makes calls instead, which a worker has to answer.
          
          [default: keepalive]

      --raw
          PING without authentication or negotiation
          
          A daemon answers PINGs from the first byte of a connection.

      --listen
          Send nothing, and print the daemon's own PINGs
          
          A daemon sends them to a silent client, by default after 5 seconds.
          Beyond ten lines a second, several PINGs share a line.

      --wait
          Wait until the daemon is there, and try each second
          
          Errors that time does not mend end the run all the same, such as a
          refused authentication.

      --reconnect
          Connect again when the connection ends, at once and then each second
          
          PINGs in flight are missed. The statistics count the outages.

      --check
          PING once: print one line, and exit with the status

      --format <FORMAT>
          Output format: text or json
          
          json is one object a line; times are integers in nanoseconds. The man
          page lists the keys.
          
          [default: text]

      --histogram
          End with percentiles and a bar chart

  -r, --readonly
          Connect read-only

  -k, --keepalive-interval <SECS>
          Silence after which a keepalive PING is sent; 0 is never
          
          [default: 5]

  -K, --keepalive-count <N>
          Keepalive PINGs until the link is dead, at interval * (count + 1)
          
          [default: 5]

      --connect-timeout <SECS>
          Time limit for connecting, above 0
          
          [default: 10]

  -h, --help
          Print help (see a summary with '-h')

  -V, --version
          Print version

Exit status:
  0  PONGs came
  1  none came, or fewer than -c by -w, or the link died
  2  there was no connection, or another error
  3  the options are invalid
  4  the daemon requires authentication that is not supported or was refused
  With several URIs the highest status counts.

Examples:
  virt-ping -c 5 test:///default         a daemon within the program itself
  virt-ping qemu:///system               until Ctrl-C; Ctrl-\ prints statistics
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
fn a_time_limit_of_zero_is_refused() {
    for option in ["-W", "-w", "--connect-timeout"] {
        let refused = run(&[option, "0", EMBEDDED]);
        assert_eq!(refused.status, Some(3), "{refused:?}");
        assert!(refused.stderr.contains("': not above 0\n"), "{refused:?}");
    }
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
        &["--listen", "-a"],
        &["--listen", "-k", "1"],
        &["--listen", "-K", "1"],
        &["--check", "-c", "1"],
        &["--check", "--listen"],
        &["--check", "--reconnect"],
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
