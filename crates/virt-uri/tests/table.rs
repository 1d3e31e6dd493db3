//! URIs that parse: the printed form, the name for the daemon, and the candidates.
//!
//! Names and sockets are those of `virsh` 9.0.0, except for the differences that the crate's
//! documentation lists. A table is text with one row per line and bars between columns. `=` repeats
//! the column before. `system:` and `session:` abbreviate sockets in `/var/run/libvirt` and
//! `/run/user/1000/libvirt`.

use std::path::Path;

use virt_uri::{Access, Candidate, Environment, Uri};

/// URIs that mean the same for all users, with and without sockets.
///
/// The text | its printed form | the name | the candidates.
const SAME_FOR_ALL: &str = "
qemu+tcp://127.0.0.1/system | = | qemu:///system | tcp:127.0.0.1:16509
qemu+tcp:///system | = | qemu:///system | tcp:localhost:16509
qemu+tls:///system | = | qemu:///system | tls:localhost:16514
qemu://h/system | = | qemu:///system | tls:h:16514
qemu://h:1/system | = | qemu:///system | tls:h:1
qemu+TLS://h/system | qemu+tls://h/system | qemu:///system | tls:h:16514
test+tcp://h/default | = | test:///default | tcp:h:16509
test://h/default | = | test:///default | tls:h:16514
xen+tcp://h/ | = | xen:/// | tcp:h:16509
xen+tcp://h | = | xen:// | tcp:h:16509
qemu+tcp://h/session | = | qemu:///session | tcp:h:16509
qemu+tcp://h/system?mode=direct | = | qemu:///system | tcp:h:16509

qemu+tcp://[::1]/system | = | qemu:///system | tcp:[::1]:16509
qemu+tcp://[::1]:1/system | = | qemu:///system | tcp:[::1]:1
qemu://[2001:DB8::1]/system | = | qemu:///system | tls:[2001:DB8::1]:16514
qemu+tcp://[fe80::1%lo]/system | = | qemu:///system | tcp:[fe80::1%lo]:16509
qemu+tcp://[fe80::1%25lo]/system | qemu+tcp://[fe80::1%lo]/system | qemu:///system | tcp:[fe80::1%lo]:16509
qemu+tcp://[fe80::1%l%6f]/system | qemu+tcp://[fe80::1%lo]/system | qemu:///system | tcp:[fe80::1%lo]:16509
qemu+tcp://[fe80::1%25eth0]:1/system | qemu+tcp://[fe80::1%eth0]:1/system | qemu:///system | tcp:[fe80::1%eth0]:1
qemu+tcp://[fe80::1%1]/system | = | qemu:///system | tcp:[fe80::1%1]:16509
qemu+tcp://[fe80::1%2512]/system | = | qemu:///system | tcp:[fe80::1%12]:16509
qemu+tcp://[fe80::1%25dead0]/system | = | qemu:///system | tcp:[fe80::1%dead0]:16509
qemu+tcp://[fe80::1%2525]/system | = | qemu:///system | tcp:[fe80::1%25]:16509
qemu+ssh://u@[fe80::1%lo]/system | = | qemu:///system | ssh:u@[fe80::1%lo] /var/run/libvirt/libvirt-sock
qemu+tcp://a-b_c.Example:65535/system | = | qemu:///system | tcp:a-b_c.Example:65535
qemu+tcp://%68ost:00001/system | qemu+tcp://host:1/system | qemu:///system | tcp:host:1
qemu+tcp://h:0/system | qemu+tcp://h/system | qemu:///system | tcp:h:16509
qemu+tcp://:0/system | qemu+tcp:///system | qemu:///system | tcp:localhost:16509

qemu+tcp://u%40x@h:1/system | = | qemu:///system | tcp:h:1
qemu+tcp://u:p@h:1/system | qemu+tcp://u@h:1/system | qemu:///system | tcp:h:1
qemu+tcp://u%3Ap@h:1/system | qemu+tcp://u@h:1/system | qemu:///system | tcp:h:1
qemu+tcp://u%3ap:q@h:1/system | qemu+tcp://u@h:1/system | qemu:///system | tcp:h:1
qemu+tcp://u:p:q%zz@h:1/system | qemu+tcp://u@h:1/system | qemu:///system | tcp:h:1
qemu+tcp://u:@h:1/system | qemu+tcp://u@h:1/system | qemu:///system | tcp:h:1
qemu+tcp://:p@h:1/system | qemu+tcp://h:1/system | qemu:///system | tcp:h:1
qemu+ssh://u:p@h/system | qemu+ssh://u@h/system | qemu:///system | ssh:u@h /var/run/libvirt/libvirt-sock
qemu+tcp://@h:1/system | qemu+tcp://h:1/system | qemu:///system | tcp:h:1

qemu+ssh://h/system | = | qemu:///system | ssh:h /var/run/libvirt/libvirt-sock
qemu+ssh:///system | = | qemu:///system | ssh:localhost /var/run/libvirt/libvirt-sock
qemu+ssh://u@/system | = | qemu:///system | ssh:u@localhost /var/run/libvirt/libvirt-sock
qemu+ssh://u@h:22/system | = | qemu:///system | ssh:u@h:22 /var/run/libvirt/libvirt-sock
qemu+ssh://-l@-h/system | = | qemu:///system | ssh:-l@-h /var/run/libvirt/libvirt-sock
qemu+libssh://[::1]:1/system | = | qemu:///system | ssh:[::1]:1 /var/run/libvirt/libvirt-sock
qemu+LibSSH2://h/ | qemu+libssh2://h/ | qemu:/// | ssh:h /var/run/libvirt/libvirt-sock
qemu+ssh://h/p?mode=legacy&x=1 | = | qemu:///p?x=1 | ssh:h /var/run/libvirt/libvirt-sock
qemu+ssh://h/p?mode=direct&socket=s | qemu+ssh://h/p?socket=s&mode=direct | qemu:///p | ssh:h s
qemu+ssh://h/p?mode=direct | = | qemu:///p | error: mode direct requires transport unix or the parameter socket, transport is ssh
qemu+libssh://h/p?mode=direct | = | qemu:///p | error: mode direct requires transport unix or the parameter socket, transport is libssh

qemu+ext://h/p?command=/bin/c | qemu+ext://h/p?command=%2Fbin%2Fc | qemu:///p | ext:/bin/c
qemu+ext:///p | = | qemu:///p | error: transport ext requires the parameter command
qemu+ext:///p?command= | = | qemu:///p | error: transport ext requires the parameter command

test:///default | = | = | embedded
test:/default | test:///default | = | embedded
test://u@/default | = | test:///default | embedded
test:///default?socket=/s | test:///default?socket=%2Fs | test:///default | embedded
test:///default?x=1#y | = | = | embedded
test:/// | = | = | error: path \"/\" is not available in this process, only test:///default is (use test+unix:// to reach a daemon)
test:///n.xml | = | = | error: path \"/n.xml\" is not available in this process, only test:///default is (use test+unix:// to reach a daemon)

test+unix:///default?socket=/s | test+unix:///default?socket=%2Fs | test:///default | unix:/s
qemu:///system?SOCKET=%2Fa%20b | qemu:///system?socket=%2Fa%20b | qemu:///system | unix:/a b
qemu:///system?%73ocket=/q | qemu:///system?socket=%2Fq | qemu:///system | unix:/q
qemu:///system?socket=a+b | qemu:///system?socket=a%2Bb | qemu:///system | unix:a+b
qemu:///system?socket=/a=b | qemu:///system?socket=%2Fa%3Db | qemu:///system | unix:/a=b
qemu:///session?socket=a;socket=b | qemu:///session?socket=b | qemu:///session | unix:b
qemu:///p?mode=direct&socket=s | qemu:///p?socket=s&mode=direct | qemu:///p | unix:s

qemu:///system?socket=@name | qemu:///system?socket=%40name | qemu:///system | unix:@name
qemu:///session?socket=%40a/b%20c | qemu:///session?socket=%40a%2Fb%20c | qemu:///session | unix:@a/b c
qemu:///system?socket=@ | qemu:///system?socket=%40 | qemu:///system | unix:@
qemu:///system?socket=./@name | qemu:///system?socket=.%2F%40name | qemu:///system | unix:./@name
qemu+ssh://h/p?socket=@name | qemu+ssh://h/p?socket=%40name | qemu:///p | ssh:h @name

qemu+tcp://h/p?a=1&a=2 | = | qemu:///p?a=1&a=2 | tcp:h:16509
qemu+tcp://h/p?a | qemu+tcp://h/p?a= | qemu:///p?a= | tcp:h:16509
qemu+tcp://h/p? | qemu+tcp://h/p | qemu:///p | tcp:h:16509
qemu+tcp://h/p?&&a=1&;=x | qemu+tcp://h/p?a=1 | qemu:///p?a=1 | tcp:h:16509
qemu+tcp://h/p?n%20a=c%26d | = | qemu:///p?n%20a=c%26d | tcp:h:16509
qemu+tcp://h/p?a=/:@$,+;h=? | qemu+tcp://h/p?a=%2F%3A%40%24%2C%2B&h=%3F | qemu:///p?a=%2F%3A%40%24%2C%2B&h=%3F | tcp:h:16509
qemu+tcp://h/p?a~b_c.d-e=%C3%A8 | = | qemu:///p?a~b_c.d-e=%C3%A8 | tcp:h:16509
qemu+tcp://h/p#a%20b?c/d | = | qemu:///p#a%20b?c/d | tcp:h:16509
qemu+tcp://h/p# | = | qemu:///p# | tcp:h:16509
qemu+tcp://h//p | = | qemu:////p | tcp:h:16509
qemu+tcp://h/../p/. | = | qemu:///../p/. | tcp:h:16509
qemu+tcp://h/a%74%2Fx%20y | qemu+tcp://h/at/x%20y | qemu:///at/x%20y | tcp:h:16509
qemu+tcp://h/~_.-!*()&=+$,;@:'%5b | qemu+tcp://h/~_.-!*()&=+$,;@%3A'%5B | qemu:///~_.-!*()&=+$,;@%3A'%5B | tcp:h:16509
qemu+tcp://h/p?name=test:///default&a=1 | qemu+tcp://h/p?name=test%3A%2F%2F%2Fdefault&a=1 | test:///default | tcp:h:16509
qemu+tcp://h/p?name= | = |  | tcp:h:16509
qemu+tcp://h/p?name=a&Name=b | qemu+tcp://h/p?name=b | b | tcp:h:16509
remote+tcp://h/p?a=1 | = |  | tcp:h:16509
qemu+tcp://h/?Command=1&auth=2&sshauth=3&netcat=4&keyfile=5 | qemu+tcp://h/?command=1&auth=2&sshauth=3&netcat=4&keyfile=5 | qemu:/// | tcp:h:16509
qemu+tcp://h/?pkipath=6&known_hosts=7&known_hosts_verify=8&tls_priority=9&authfile=10 | = | qemu:/// | tcp:h:16509
qemu+tcp://h/?mode=auto&proxy=native&no_sanity=1&no_verify=-2&NO_TTY=0 | qemu+tcp://h/?mode=auto&proxy=native&no_sanity=1&no_verify=1&no_tty=0 | qemu:/// | tcp:h:16509
";

/// URIs that depend on the user, while no socket exists.
///
/// The text | the name | root's candidates | a user's candidates.
const WITHOUT_SOCKETS: &str = "
qemu:///system | = | system:virtqemud-sock then system:libvirt-sock | =
qemu:///session | = | system:virtqemud-sock then system:libvirt-sock | session:virtqemud-sock then session:libvirt-sock
qemu+unix:///session?mode=legacy | qemu:///session | system:libvirt-sock | session:libvirt-sock
qemu+unix:///session?mode=direct | qemu:///session | system:virtqemud-sock | session:virtqemud-sock
qemu+unix:///session/ | qemu:///session/ | system:virtqemud-sock then system:libvirt-sock | =
xen+UNIX:///system | xen:///system | system:virtxend-sock then system:libvirt-sock | =
lxc:///system?mode=direct | lxc:///system | system:virtlxcd-sock | =
vbox:///session | = | system:virtvboxd-sock then system:libvirt-sock | session:virtvboxd-sock then session:libvirt-sock
qe.mu-x://u@/system | qe.mu-x:///system | system:virtqe.mu-xd-sock then system:libvirt-sock | =
Test:///default | = | system:virtTestd-sock then system:libvirt-sock | =
test+unix:///default | test:///default | system:virttestd-sock then system:libvirt-sock | session:virttestd-sock then session:libvirt-sock
TEST+unix:///default | TEST:///default | system:virtTESTd-sock then system:libvirt-sock | =
qemu: | qemu:// | system:virtqemud-sock then system:libvirt-sock | =
qemu://?mode=legacy#x | qemu://#x | system:libvirt-sock | =
remote:/// |  | system:libvirt-sock | =
remote+unix:///session?mode=direct |  | system:libvirt-sock | session:libvirt-sock
qemu+ssh://h/session | qemu:///session | ssh:h /var/run/libvirt/libvirt-sock | ssh:h
qemu+ssh://h/session?socket=s | qemu:///session | ssh:h s | =
";

/// URIs that depend on the sockets.
///
/// The text | the sockets that exist | root's candidates | a user's candidates.
const WITH_SOCKETS: &str = "
qemu:///system | virtqemud-sock | system:virtqemud-sock | =
qemu:///system | libvirt-sock | system:libvirt-sock | =
qemu:///system | virtqemud-sock libvirt-sock | system:virtqemud-sock then system:libvirt-sock | =
qemu:///session | virtqemud-sock | system:virtqemud-sock | session:virtqemud-sock
qemu:///session | libvirt-sock | system:libvirt-sock | session:libvirt-sock
xen:///system | virtqemud-sock libvirt-sock | system:libvirt-sock | =
test+unix:///default | libvirt-sock | system:libvirt-sock | session:libvirt-sock
qemu:///system?mode=auto | libvirt-sock | system:libvirt-sock | =
qemu:///system?mode=direct | libvirt-sock | system:virtqemud-sock | =
qemu:///system?mode=legacy | virtqemud-sock | system:libvirt-sock | =
remote:/// | virtremoted-sock | system:libvirt-sock | =
";

/// The same, read-only. A session has no socket for read-only access.
const READ_ONLY: &str = "
qemu:///system | virtqemud-sock libvirt-sock | system:virtqemud-sock-ro then system:libvirt-sock-ro | =
qemu:///system | virtqemud-sock-ro | system:virtqemud-sock-ro | =
qemu:///system | libvirt-sock-ro | system:libvirt-sock-ro | =
qemu:///session?mode=direct |  | system:virtqemud-sock-ro | session:virtqemud-sock
qemu:///session?mode=legacy |  | system:libvirt-sock-ro | session:libvirt-sock
test+unix:///default | libvirt-sock | system:virttestd-sock-ro then system:libvirt-sock-ro | session:libvirt-sock
remote:///session |  | system:libvirt-sock-ro | session:libvirt-sock
qemu:///system?socket=/s |  | unix:/s | =
qemu+tcp://h/system |  | tcp:h:16509 | =
test:///default |  | embedded | =
qemu+ssh://h/system |  | ssh:h /var/run/libvirt/libvirt-sock-ro | =
qemu+ssh://h/session |  | ssh:h /var/run/libvirt/libvirt-sock-ro | ssh:h
";

#[test]
fn same_for_all() {
    for [text, printed, name, expected] in rows(SAME_FOR_ALL) {
        let uri = parse(&text);
        assert_eq!(uri.to_string(), printed, "{text} prints");
        assert_eq!(
            printed.parse(),
            Ok(uri.clone()),
            "{text} prints what parses to the same"
        );
        assert_eq!(uri.name(), name, "{text} has the name");
        for environment in [root(), user()] {
            for there in ["", "libvirt-sock virtqemud-sock virttestd-sock"] {
                let found = candidates(&uri, &environment, Access::ReadWrite, there);
                assert_eq!(found, expected, "{text} with {there:?} for {environment:?}");
            }
        }
    }
}

#[test]
fn without_sockets() {
    for [text, name, for_root, for_user] in rows(WITHOUT_SOCKETS) {
        let uri = parse(&text);
        assert_eq!(
            uri.to_string().parse(),
            Ok(uri.clone()),
            "{text} prints what parses to the same"
        );
        assert_eq!(uri.name(), name, "{text} has the name");
        for (environment, expected) in [(root(), for_root), (user(), for_user)] {
            let found = candidates(&uri, &environment, Access::ReadWrite, "");
            assert_eq!(found, expected, "{text} for {environment:?}");
        }
    }
}

#[test]
fn with_sockets() {
    for (table, access) in [
        (WITH_SOCKETS, Access::ReadWrite),
        (READ_ONLY, Access::ReadOnly),
    ] {
        for [text, there, for_root, for_user] in rows(table) {
            for (environment, expected) in [(root(), for_root), (user(), for_user)] {
                let found = candidates(&parse(&text), &environment, access, &there);
                assert_eq!(
                    found, expected,
                    "{text} {access:?} with {there:?} for {environment:?}"
                );
            }
        }
    }
}

#[test]
fn at_sign_of_a_given_socket_means_the_abstract_namespace() {
    let find = |text: &str, environment: &Environment| {
        parse(text).candidates(environment, Access::ReadWrite, |_| false)
    };
    assert_eq!(
        find("qemu:///system?socket=@name", &root()),
        Ok(vec![Candidate::Abstract("name".to_owned())])
    );
    assert_eq!(
        find("qemu:///system?socket=./@name", &root()),
        Ok(vec![Candidate::Unix("./@name".into())])
    );
    let relative = Environment {
        runtime_dir: Some("@run".into()),
        ..Environment::default()
    };
    assert_eq!(
        find("qemu:///session?mode=legacy", &relative),
        Ok(vec![Candidate::Unix("@run/libvirt/libvirt-sock".into())])
    );
}

#[test]
fn parameters_go_to_their_fields() {
    let uri = parse(
        "qemu:///?name=a&command=b&socket=c&auth=d&sshauth=e&netcat=f&keyfile=g&pkipath=h&\
         known_hosts=i&known_hosts_verify=j&tls_priority=k&authfile=l&mode=direct&proxy=netcat&\
         no_sanity=1&no_verify=0&no_tty=2&Other=m",
    );
    let found = uri.parameters();
    let texts = [
        &found.name,
        &found.command,
        &found.socket,
        &found.auth,
        &found.sshauth,
        &found.netcat,
        &found.keyfile,
        &found.pkipath,
        &found.known_hosts,
        &found.known_hosts_verify,
        &found.tls_priority,
        &found.authfile,
    ];
    let texts: String = texts.into_iter().flatten().map(String::as_str).collect();
    assert_eq!(texts, "abcdefghijkl");
    assert_eq!(found.mode, Some(virt_uri::Mode::Direct));
    assert_eq!(found.proxy, Some(virt_uri::Proxy::Netcat));
    assert_eq!(
        (found.no_sanity, found.no_verify, found.no_tty),
        (Some(true), Some(false), Some(true))
    );
    assert_eq!(found.other, [("Other".to_owned(), "m".to_owned())]);
    assert_eq!(
        parse("qemu:///").parameters(),
        &virt_uri::Parameters::default()
    );
}

fn root() -> Environment {
    Environment {
        root: true,
        ..user()
    }
}

fn user() -> Environment {
    Environment {
        runtime_dir: Some("/run/user/1000".into()),
        ..Environment::default()
    }
}

fn parse(text: &str) -> Uri {
    text.parse()
        .unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Returns the candidates as text, or the error, while the sockets named in `there` exist.
fn candidates(uri: &Uri, environment: &Environment, access: Access, there: &str) -> String {
    let exists = |path: &Path| there.split_whitespace().any(|name| path.ends_with(name));
    match uri.candidates(environment, access, exists) {
        Ok(candidates) => {
            let texts: Vec<_> = candidates.iter().map(ToString::to_string).collect();
            texts.join(" then ")
        }
        Err(error) => format!("error: {error}"),
    }
}

/// Returns the rows of a table, with abbreviations expanded.
fn rows(table: &str) -> impl Iterator<Item = [String; 4]> {
    table.lines().filter(|line| !line.is_empty()).map(|line| {
        let mut before = "";
        let columns = line.split(" | ").map(|column| {
            before = if column == "=" { before } else { column.trim() };
            before
                .replace("system:", "unix:/var/run/libvirt/")
                .replace("session:", "unix:/run/user/1000/libvirt/")
        });
        let columns: Vec<_> = columns.collect();
        columns
            .try_into()
            .unwrap_or_else(|_| panic!("not four columns: {line}"))
    })
}
