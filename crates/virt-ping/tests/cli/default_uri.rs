//! The default URI: a configured one, then that of a socket that exists.
//!
//! Of root, the places are the system's; so these run as a user.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;
use tempfile::TempDir;

use crate::support::{EMBEDDED, PROGRAM, command, finish, snapshot};

/// A user that owns nothing.
const NOBODY: u32 = 65534;

/// A home, with the program in it: a user may not read where it was built.
struct User(TempDir);

impl User {
    fn new() -> Self {
        let home = TempDir::with_prefix_in("virt-", "/tmp").unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(PROGRAM, home.path().join("virt-ping")).unwrap();
        Self(home)
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = command(self.path().join("virt-ping"));
        command
            .args(arguments)
            .env("XDG_RUNTIME_DIR", self.path().join("run"))
            .env("XDG_CONFIG_HOME", self.path());
        if geteuid().is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        command
    }

    fn configure(&self, uri: &str) {
        let directory = self.path().join("libvirt");
        fs::create_dir(&directory).unwrap();
        let text = format!("uri_default = \"{uri}\"\n");
        fs::write(directory.join("libvirt.conf"), text).unwrap();
    }
}

#[test]
fn nothing_is_configured_and_no_socket_exists() {
    let user = User::new();
    snapshot!(finish(&mut user.command(&["-c", "1"])), 2, @r#"virt-ping: default URI: there is no libvirt socket in /DIR/run/libvirt; start libvirtd, name a URI, or try test:///default"#);
    // As in virsh, an empty URI means the default.
    snapshot!(finish(&mut user.command(&["-c", "1", ""])), 2, @r#"virt-ping: default URI: there is no libvirt socket in /DIR/run/libvirt; start libvirtd, name a URI, or try test:///default"#);
}

#[test]
fn the_variable_comes_first_and_then_the_file() {
    let user = User::new();
    user.configure(EMBEDDED);
    let run = finish(&mut user.command(&["-c", "1", "-W", "60"]));
    assert!(run.stdout.starts_with("PING test:///default "), "{run:?}");
    assert_eq!(run.status, Some(0), "{run:?}");

    let missing = "test+unix:///default?socket=/nonexistent/sock";
    let run = finish(
        user.command(&["-c", "1"])
            .env("LIBVIRT_DEFAULT_URI", missing),
    );
    assert!(
        run.stderr.starts_with(&format!("virt-ping: {missing}: ")),
        "{run:?}"
    );
    assert_eq!(run.status, Some(2), "{run:?}");
}

#[test]
fn a_socket_that_exists_is_tried() {
    let user = User::new();
    let directory = user.path().join("run/libvirt");
    fs::create_dir_all(&directory).unwrap();
    drop(UnixListener::bind(directory.join("virtqemud-sock")).unwrap());
    let run = finish(&mut user.command(&["-c", "1"]));
    let expected = "virt-ping: qemu:///session: cannot connect to unix:";
    assert!(run.stderr.starts_with(expected), "{run:?}");
    assert!(
        run.stderr.contains("run/libvirt/virtqemud-sock: "),
        "{run:?}"
    );
    assert_eq!(run.status, Some(2), "{run:?}");
}
