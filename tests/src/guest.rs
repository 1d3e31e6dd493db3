//! A private `libvirtd` with a guest of QEMU, which echoes on its serial console.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Output;

use crate::{Config, Daemon, virsh};

/// The name of the domain.
const NAME: &str = "guest";

/// The program of the boot sector: it sends the mark `#`, and then sends back each byte that the serial port receives.
#[rustfmt::skip]
const ECHO: [u8; 22] = [
    0xfa,             // no interrupts: the firmware's timer reads the port, too
    0xba, 0xf8, 0x03, // the data
    0xb0, b'#',       // a mark
    0xee,             // write it
    0xba, 0xfd, 0x03, // wait: the line status
    0xec,             // read it
    0xa8, 0x01,       // is a byte there?
    0x74, 0xfb,       // no: read it again
    0xba, 0xf8, 0x03, // the data
    0xec,             // read the byte
    0xee,             // write it
    0xeb, 0xf1,       // to wait
];

/// A daemon with a guest, a software-emulated PC. Its firmware and then its boot sector use the serial console.
#[derive(Debug)]
pub struct Guest(Daemon);

impl Guest {
    /// Starts the daemon, and defines the domain `guest`, which does not run yet.
    ///
    /// # Errors
    ///
    /// Those of [`Daemon::start`]; a domain that cannot be defined.
    pub fn define() -> io::Result<Self> {
        let daemon = Daemon::start(
            &Config::default()
                .driver("qemu")
                .driver("storage")
                .driver("secret"),
        )?;
        let directory = daemon.directory();
        let mut sector = vec![0; 1 << 20];
        sector[..ECHO.len()].copy_from_slice(&ECHO);
        sector[510..512].copy_from_slice(&[0x55, 0xaa]);
        let disk = directory.join("disk");
        fs::write(&disk, sector)?;
        // The daemon may run as another user.
        fs::set_permissions(&disk, Permissions::from_mode(0o666))?;
        let definition = directory.join("guest.xml");
        fs::write(
            &definition,
            format!(
                "<domain type='qemu'>\
                 <name>{NAME}</name><memory unit='MiB'>32</memory><vcpu>1</vcpu>\
                 <os><type arch='x86_64' machine='pc'>hvm</type><bios useserial='yes'/><boot dev='hd'/></os>\
                 <devices>\
                 <disk type='file' device='disk'><driver name='qemu' type='raw'/>\
                 <source file='{}'/><target dev='hda' bus='ide'/></disk>\
                 <serial type='pty'><target port='0'/></serial>\
                 <console type='pty'><target type='serial' port='0'/></console>\
                 </devices></domain>",
                disk.display()
            ),
        )?;
        let guest = Self(daemon);
        guest.virsh(&["define", &definition.display().to_string()])?;
        Ok(guest)
    }

    /// The directory of the daemon, which its user can write to.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.0.directory()
    }

    /// The URI that opens the driver.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("qemu+unix:///session?socket={}", self.0.socket().display())
    }

    /// Runs a command of `virsh` to its end, such as `start guest`.
    ///
    /// # Errors
    ///
    /// The command fails.
    pub fn virsh(&self, arguments: &[&str]) -> io::Result<Output> {
        let output = virsh::run(&self.uri(), arguments)?;
        if output.status.success() {
            Ok(output)
        } else {
            Err(io::Error::other(format!("{arguments:?}: {output:?}")))
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Guests would outlive their daemon. Most often none runs any more.
        let listed = self.virsh(&["list", "--name"]).map(|output| output.stdout);
        let names = String::from_utf8(listed.unwrap_or_default()).unwrap_or_default();
        for name in names.split_whitespace() {
            let _ = self.virsh(&["destroy", name]);
        }
    }
}
