//! The effects of the environment: the directory of a session, and the default URI.

use virt_uri::{Access, Environment, Uri};

#[test]
fn session_directory_is_the_first_that_is_set() {
    let uri: Uri = "qemu:///session?mode=legacy".parse().unwrap();
    let mut environment = Environment {
        runtime_dir: Some("/run/user/1000".into()),
        cache_home: Some("/cache".into()),
        home: Some("/home/u".into()),
        ..Environment::default()
    };
    let mut expect = |change: fn(&mut Environment), expected: &str| {
        change(&mut environment);
        let found = uri
            .candidates(&environment, Access::ReadWrite, |_| false)
            .map_or_else(
                |error| error.to_string(),
                |candidates| candidates[0].to_string(),
            );
        assert_eq!(found, expected, "{environment:?}");
    };
    expect(|_| {}, "unix:/run/user/1000/libvirt/libvirt-sock");
    expect(
        |env| env.runtime_dir = Some("".into()),
        "unix:/cache/libvirt/libvirt-sock",
    );
    expect(
        |env| env.cache_home = None,
        "unix:/home/u/.cache/libvirt/libvirt-sock",
    );
    expect(
        |env| env.home = None,
        "no directory for a session's sockets: \
         none of XDG_RUNTIME_DIR, XDG_CACHE_HOME and HOME is set",
    );
    expect(|env| env.root = true, "unix:/var/run/libvirt/libvirt-sock");
}

/// `LIBVIRT_DEFAULT_URI`, `uri_default`, and the URI or the error.
const CONFIGURED: &[(Option<&str>, Option<&str>, &str)] = &[
    (Some("test:///default"), None, "test:///default"),
    (Some("test:///default"), Some("xen:///"), "test:///default"),
    (Some("test:///default"), Some("no URI"), "test:///default"),
    (None, Some("qemu:///system"), "qemu:///system"),
    (Some(""), Some("qemu:///system"), "qemu:///system"),
    (
        Some("qemu+:"),
        Some("xen:///"),
        "LIBVIRT_DEFAULT_URI: \
         transport \"\" is not one of unix, tcp, tls, ssh, libssh, libssh2, ext",
    ),
    (
        None,
        Some("qemu:x"),
        "uri_default of libvirt.conf: path \"x\" does not start with '/'",
    ),
];

#[test]
fn configured_default() {
    for &(variable, file, expected) in CONFIGURED {
        assert_eq!(default_uri(true, variable, file), expected);
        assert_eq!(default_uri(false, variable, file), expected);
    }
}

#[test]
fn without_a_configured_default_the_daemon_chooses() {
    for (variable, file) in [(None, None), (Some(""), None), (None, Some(""))] {
        assert_eq!(default_uri(true, variable, file), "remote:///");
        assert_eq!(default_uri(false, variable, file), "remote:///session");
    }
    let user = Environment {
        home: Some("/home/u".into()),
        ..Environment::default()
    };
    let uri = user.default_uri().unwrap();
    assert_eq!(uri.to_string().parse(), Ok(uri.clone()));
    assert_eq!(uri.name(), "");
    let candidates = uri.candidates(&user, Access::ReadWrite, |_| true).unwrap();
    let candidates: Vec<_> = candidates.iter().map(ToString::to_string).collect();
    assert_eq!(candidates, ["unix:/home/u/.cache/libvirt/libvirt-sock"]);
}

fn default_uri(root: bool, variable: Option<&str>, file: Option<&str>) -> String {
    let environment = Environment {
        root,
        libvirt_default_uri: variable.map(str::to_owned),
        uri_default: file.map(str::to_owned),
        ..Environment::default()
    };
    environment
        .default_uri()
        .map_or_else(|error| error.to_string(), |uri| uri.to_string())
}
