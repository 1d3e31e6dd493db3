//! URIs that do not parse, with the exact error texts, and the limits on those that do.

use virt_uri::{Access, Environment, Uri};

const NO_DRIVER: &str =
    "names no driver: expected driver[+transport]://[user@][host][:port]/[path][?parameters]";
const DRIVER: &str = "is not a letter followed by letters, digits, '-' or '.'";
const TRANSPORT: &str = "is not one of unix, tcp, tls, ssh, libssh, libssh2, ext";
const HOST: &str =
    "is neither a name of letters, digits, '-', '.' and '_' nor an IPv6 address in brackets";
const PORT: &str = "is not a number in 0 ..= 65535";
const CHARACTER: &str = "which must be percent-encoded there";
const ESCAPE: &str = "not a percent sign and two hexadecimal digits";
const UTF8: &str = "is not UTF-8 once decoded";
const FLAG: &str = "not an integer (0 is no, any other yes)";

/// The text, and the two halves of its error.
const REFUSED: &[(&str, &str, &str)] = &[
    ("", r#""" "#, NO_DRIVER),
    ("qemu", r#""qemu" "#, NO_DRIVER),
    ("/system", r#""/system" "#, NO_DRIVER),
    ("://x", r#"driver "" "#, DRIVER),
    ("+unix:///system", r#"driver "" "#, DRIVER),
    ("1qemu:///system", r#"driver "1qemu" "#, DRIVER),
    ("qe_mu:///system", r#"driver "qe_mu" "#, DRIVER),
    ("qe/mu:///system", r#"driver "qe/mu" "#, DRIVER),
    (" qemu:///system", r#"driver " qemu" "#, DRIVER),
    ("qemu\n:///system", r#"driver "qemu\n" "#, DRIVER),
    ("qèmu:///system", r#"driver "qèmu" "#, DRIVER),
    ("qemu?a=b:c", r#"driver "qemu?a=b" "#, DRIVER),
    ("qemu+udp://h/", r#"transport "udp" "#, TRANSPORT),
    ("qemu+:///system", r#"transport "" "#, TRANSPORT),
    ("qemu+unix+tcp:///", r#"transport "unix+tcp" "#, TRANSPORT),
    // Host.
    (
        "qemu+unix://h/system",
        r#"transport unix takes no host, found "h""#,
        "",
    ),
    ("qemu+tcp://a%20b/", r#"host "a b" "#, HOST),
    ("qemu+tcp://%2F/", r#"host "/" "#, HOST),
    ("qemu+tcp://h%C3%B4te/", r#"host "hôte" "#, HOST),
    ("qemu+tcp://fe80::1:1/", r#"host "fe80::1" "#, HOST),
    ("qemu+tcp://::1/", r#"host ":" "#, HOST),
    ("qemu+tcp://[]:1/", r#"host "[]:1" "#, HOST),
    ("qemu+tcp://[::1/", r#"host "[::1" "#, HOST),
    ("qemu+tcp://[::1]1/", r#"host "[::1]1" "#, HOST),
    ("qemu+tcp://[127.0.0.1]/", r#"host "[127.0.0.1]" "#, HOST),
    ("qemu+tcp://[v1.x]/", r#"host "[v1.x]" "#, HOST),
    ("qemu+tcp://[fe80::1%25]/", r#"host "[fe80::1%25]" "#, HOST),
    (
        "qemu+tcp://[fe80::1%25a%25b]/",
        r#"host "[fe80::1%25a%25b]" "#,
        HOST,
    ),
    ("qemu+tcp://[fe80::1%]/", r#"host "[fe80::1%]" "#, HOST),
    ("qemu+tcp://[fe80::1%a%]/", r#"host "[fe80::1%a%]" "#, HOST),
    (
        "qemu+tcp://[fe80::1%dead0]/",
        r#"host "fe80::1%dead0" "#,
        UTF8,
    ),
    ("qemu+tcp://h%et/", r#"host contains "%et", "#, ESCAPE),
    ("qemu+tcp://hôte/", r#"host "hôte" "#, HOST),
    ("qemu+tcp://h\\x/", r#"host "h\\x" "#, HOST),
    // Port.
    ("qemu+tcp://h:/", r#"port "" "#, PORT),
    ("qemu+tcp://h:abc/", r#"port "abc" "#, PORT),
    ("qemu+tcp://h:-1/", r#"port "-1" "#, PORT),
    ("qemu+tcp://h:+1/", r#"port "+1" "#, PORT),
    ("qemu+tcp://h:%31/", r#"port "%31" "#, PORT),
    ("qemu+tcp://h:65536/", r#"port "65536" "#, PORT),
    ("qemu+tcp://[::1]:/", r#"port "" "#, PORT),
    (
        "qemu+tcp://[::1]:99999999999999999999/",
        r#"port "99999999999999999999" "#,
        PORT,
    ),
    ("qemu+tcp://:1/", "port 1 is given without a host", ""),
    ("qemu+unix://u@:1/", "port 1 is given without a host", ""),
    // A password may be in the quoted part.
    ("qemu+tcp://u@v@h/", r#"host "***" "#, HOST),
    ("qemu+tcp://u:secret@secret@h/", r#"host "***" "#, HOST),
    ("qemu+tcp://u:secret/@h/", r#"port "***" "#, PORT),
    ("qemu+tcp://u:secret?secret@h/", r#"port "***" "#, PORT),
    ("qemu+tcp://u:secret#secret@h/", r#"port "***" "#, PORT),
    ("qemu+tcp://u:secret:1/@h/", r#"host "***" "#, HOST),
    ("qemu+tcp://u:%zz:1/@h/", r#"host contains "***", "#, ESCAPE),
    ("qemu+tcp://u:%ff:1/@h/", r#"host "***" "#, UTF8),
    ("qemu+tcp://u:1/%zz@h/", r#"path contains "***", "#, ESCAPE),
    ("qemu+tcp://u:1/%ff@h/", r#"path "***" "#, UTF8),
    (
        "qemu:u:secret@h/system",
        r#"path "***" does not start with '/'"#,
        "",
    ),
    ("u:secret@h", r#"path "***" does not start with '/'"#, ""),
    ("qemu+tcp://u@h:abc/", r#"port "abc" "#, PORT),
    // User, path, fragment.
    ("qemu+ssh://a b@h/", "user contains ' ', ", CHARACTER),
    ("qemu+ssh://%00@h/", "user contains %00, a zero byte", ""),
    (
        "qemu:system",
        r#"path "system" does not start with '/'"#,
        "",
    ),
    ("qemu:///sys tem", "path contains ' ', ", CHARACTER),
    ("qemu:///système", "path contains 'è', ", CHARACTER),
    ("qemu:///a\0", r"path contains '\0', ", CHARACTER),
    ("qemu:///%zz", r#"path contains "%zz", "#, ESCAPE),
    ("qemu:///a%4", r#"path contains "%4", "#, ESCAPE),
    ("qemu:///a%", r#"path contains "%", "#, ESCAPE),
    ("qemu:///a%+1", r#"path contains "%+1", "#, ESCAPE),
    ("qemu:///a%00b", "path contains %00, a zero byte", ""),
    ("qemu:///a%ffb", r#"path "/a%ffb" "#, UTF8),
    ("qemu:///a#b#c", "fragment contains '#', ", CHARACTER),
    // Parameters.
    (
        "qemu:///?a=[1]",
        "parameter value contains '[', ",
        CHARACTER,
    ),
    (
        "qemu:///?a=%zz",
        r#"parameter value contains "%zz", "#,
        ESCAPE,
    ),
    (
        "qemu:///?a%00=1",
        "parameter name contains %00, a zero byte",
        "",
    ),
    ("qemu:///?socket=%c3", r#"parameter value "%c3" "#, UTF8),
    (
        "qemu:///?socket=",
        "parameter socket is empty, expected the path of a socket",
        "",
    ),
    (
        "qemu:///?a=1&Socket",
        "parameter socket is empty, expected the path of a socket",
        "",
    ),
    (
        "qemu:///?mode=foo",
        r#"parameter mode is "foo", "#,
        "not one of auto, legacy, direct",
    ),
    (
        "qemu:///?mode=",
        r#"parameter mode is "", "#,
        "not one of auto, legacy, direct",
    ),
    (
        "qemu:///?mode=DIRECT",
        r#"parameter mode is "DIRECT", "#,
        "not one of auto, legacy, direct",
    ),
    (
        "qemu:///?mode=x&mode=auto",
        r#"parameter mode is "x", "#,
        "not one of auto, legacy, direct",
    ),
    (
        "qemu:///?proxy=bad",
        r#"parameter proxy is "bad", "#,
        "not one of auto, netcat, native",
    ),
    ("qemu:///?no_tty", r#"parameter no_tty is "", "#, FLAG),
    (
        "qemu:///?No_Verify=1x",
        r#"parameter no_verify is "1x", "#,
        FLAG,
    ),
    (
        "qemu:///?no_sanity=99999999999",
        r#"parameter no_sanity is "99999999999", "#,
        FLAG,
    ),
];

#[test]
fn each_for_its_own_reason() {
    for (text, part, rule) in REFUSED {
        let error = text.parse::<Uri>().expect_err(text);
        assert_eq!(error.to_string(), format!("{part}{rule}"), "{text:?}");
    }
}

#[test]
fn too_long_as_given_or_as_printed() {
    let longest = format!("test:///{}", "a".repeat(Uri::MAX_LENGTH - 8));
    assert_eq!(longest.parse::<Uri>().unwrap().to_string(), longest);
    let error = format!("{longest}a").parse::<Uri>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "URI of 16385 bytes is over the limit of 16384"
    );

    // A colon in a path prints as three bytes.
    let text = format!("test:///{}", ":".repeat(Uri::MAX_LENGTH / 3));
    let error = text.parse::<Uri>().unwrap_err();
    assert_eq!(
        error.to_string(),
        "URI of 16391 bytes is over the limit of 16384"
    );
}

#[test]
fn socket_path_too_long() {
    let candidates = |text: String| {
        let uri: Uri = text.parse().unwrap();
        uri.candidates(&Environment::default(), Access::ReadWrite, |_| false)
            .map(|candidates| candidates[0].to_string())
            .map_err(|error| error.to_string())
    };
    let longest = format!("s{}", "s".repeat(Uri::MAX_SOCKET_PATH - 1));
    assert_eq!(
        candidates(format!("qemu:///system?socket={longest}")),
        Ok(format!("unix:{longest}")),
    );
    assert_eq!(
        candidates(format!("qemu:///system?socket={longest}s")),
        Err(format!(
            "socket path \"{longest}s\" of 108 bytes is over the limit of 107"
        )),
    );
    let name = "n".repeat(Uri::MAX_SOCKET_PATH - 1);
    assert_eq!(
        candidates(format!("qemu:///system?socket=@{name}")),
        Ok(format!("unix:@{name}")),
    );
    assert_eq!(
        candidates(format!("qemu:///system?socket=@{name}n")),
        Err(format!(
            "socket path \"@{name}n\" of 108 bytes is over the limit of 107"
        )),
    );
    let driver = "q".repeat(100);
    let path = format!("/var/run/libvirt/virt{driver}d-sock");
    assert_eq!(
        candidates(format!("{driver}:///system")),
        Err(format!(
            "socket path \"{path}\" of 127 bytes is over the limit of 107"
        )),
    );
}
