//! The examples of virt-tokio against the embedded daemon and a real one: each prints what virsh says.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Output, Stdio};

use virt_testkit::Example;
use virt_tests::{Config, Daemon, libvirt, virsh};

const XML: &str =
    "<domain type='test'><name>web1</name><memory>4096</memory><os><type>hvm</type></os></domain>";

fn example(name: &'static str) -> Example {
    let package = "virt-tokio";
    Example { package, name }
}

fn lines(output: Output) -> Vec<String> {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    let text = String::from_utf8(output.stdout).expect("text");
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().map(words).collect()
}

#[test]
fn domains_are_listed_of_the_embedded_daemon() {
    let output = example("domains").run().output().expect("cargo runs");
    assert_eq!(lines(output), ["1 test RUNNING"]);
}

#[test]
fn domains_are_defined_started_listed_measured_and_watched_of_a_real_daemon() {
    if !libvirt::available("the examples of virt-tokio") {
        return;
    }
    let daemon = Daemon::start(&Config::default()).expect("libvirtd starts");
    let uri = daemon.unix_uri();
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("web1.xml");
    fs::write(&file, XML).expect("it can be written");

    let watch = example("watch");
    watch.build();
    let mut watching = watch.run();
    watching.args([&uri, "3"]).stdout(Stdio::piped());
    let mut watching = watching.spawn().expect("cargo runs");
    let mut events = BufReader::new(watching.stdout.take().expect("a pipe")).lines();
    let mut next = move || events.next().expect("a line").expect("text");
    assert!(next().starts_with("watching"));

    let mut define = example("define").run();
    define.arg(&uri).arg(&file);
    let defined = lines(define.output().expect("cargo runs"));
    assert!(defined[0].starts_with("defined web1 ("), "{defined:?}");
    assert_eq!(defined[1], "started with ID 2");
    assert_eq!(next(), "web1: DEFINED");
    assert_eq!(next(), "web1: STARTED");

    // The mock hypervisor forgets everything once it has no client: the first one goes on watching.
    // A daemon lists in no order.
    let mut domains = example("domains").run();
    domains.arg(&uri);
    let mut domains = lines(domains.output().expect("cargo runs"));
    domains.sort();
    assert_eq!(domains, ["1 test RUNNING", "2 web1 RUNNING"]);
    let mut stats = example("stats").run();
    stats.arg(&uri);
    let stats = lines(stats.output().expect("cargo runs"));
    for name in ["test", "web1"] {
        let row = format!("{name} RUNNING ");
        assert!(stats.iter().any(|line| line.starts_with(&row)), "{stats:?}");
    }

    let listed = lines(virsh::run(&uri, &["list", "--all"]).expect("virsh runs"));
    assert!(listed.contains(&"2 web1 running".to_owned()), "{listed:?}");
    virsh::run(&uri, &["destroy", "web1"]).expect("virsh runs");
    assert_eq!(next(), "web1: STOPPED");
    assert!(watching.wait().expect("it ends").success());
}
