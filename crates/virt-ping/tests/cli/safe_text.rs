//! Text of others on the terminal: printable, on one line, and without passwords.

use std::fs;
use std::os::unix::net::UnixListener;

use tempfile::TempDir;
use virt_tests::{Connection, Event, Peer};

use crate::support::{Frame, run};

/// Characters that act on a terminal, and their escaped form.
const ODD: &str = "\u{1b}[31m\n\u{9b}\u{202e}\u{2066}\u{2028}\u{200b}\u{feff}";
const ESCAPED: &str = r"\u{1b}[31m\n\u{9b}\u{202e}\u{2066}\u{2028}\u{200b}\u{feff}";

#[test]
fn a_socket_path_is_printable_in_each_line_and_format() {
    let directory = TempDir::with_prefix_in("virt-", "/tmp").unwrap();
    let path = directory.path().join(ODD);
    let uri = format!(
        "test+unix:///default?socket={}",
        encoded(path.to_str().unwrap())
    );
    for format in ["text", "json"] {
        let listener = UnixListener::bind(&path).unwrap();
        let daemon = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut connection = Connection::new(stream.into()).unwrap();
            while let Event::Frame(bytes) = connection.receive() {
                connection.send(&Frame::new(&bytes).answer(), 0);
            }
        });
        let alive = run(&["-c", "1", "-W", "60", "--format", format, &uri]);
        daemon.join().unwrap();
        fs::remove_file(&path).unwrap();
        let gone = run(&["-c", "1", "--format", format, &uri]);
        let escaped = match format {
            "text" => ESCAPED.to_owned(),
            // JSON escapes the backslashes once more.
            _ => ESCAPED.replace('\\', r"\\"),
        };
        for output in [&alive.stdout, &gone.stdout, &gone.stderr] {
            let odd = output.chars().find(|character| {
                *character != '\n' && ODD.contains(*character) && !character.is_ascii_graphic()
            });
            assert_eq!(odd, None, "{output:?}");
        }
        let first = alive.stdout.lines().next().unwrap();
        assert!(first.contains(&escaped), "{first}");
        assert!(
            format!("{}{}", gone.stdout, gone.stderr).contains(&escaped),
            "{gone:?}"
        );
        assert_eq!((alive.status, gone.status), (Some(0), Some(2)));
    }
}

#[test]
fn a_password_is_never_printed() {
    for uri in [
        // Not supported, not an address, and not URIs.
        "qemu+ssh://user:s3cret@host/system",
        "qemu+tcp://user:s3cret@[::1]:1/system",
        "qemu+tcp://user:s3cret@host:99999/system",
        "qemu+tcp://user:s3/cret@host/system",
        "qemu+tcp://user:s3@cret@host/system",
        "qemu+unix://user:s3cret@host/system",
        "user:s3cret@host",
    ] {
        for options in [&[] as &[&str], &["--check"], &["--format", "json"]] {
            let run = run(&[options, &["--connect-timeout", "5", uri]].concat());
            let output = format!("{}{}", run.stdout, run.stderr);
            assert!(output.contains("user:***@"), "{output}");
            for part in ["s3", "cret"] {
                assert!(!output.contains(part), "{output}");
            }
        }
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
