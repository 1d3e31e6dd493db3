//! A private `libvirtd` with volumes to transfer.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::transfer::{HOLE, write_contents};
use crate::{Config, Connection, Daemon, virsh};

/// A daemon with real storage: a pool named `pool`, whose volumes are 64 KiB of hole and `abcd`.
#[derive(Debug)]
pub struct Storage(Daemon);

impl Storage {
    /// Starts a daemon with these volumes.
    ///
    /// # Errors
    ///
    /// Those of [`Daemon::start`]; a pool that cannot be made.
    pub fn start(
        config: Config,
        volumes: impl IntoIterator<Item = impl AsRef<Path>>,
    ) -> io::Result<Self> {
        let daemon = Daemon::start(&config.driver("storage"))?;
        let directory = daemon.directory().join("pool");
        fs::create_dir(&directory)?;
        // The daemon, which may run as another user, deletes volumes.
        fs::set_permissions(&directory, Permissions::from_mode(0o777))?;
        for name in volumes {
            let file = write_contents(&directory.join(name), HOLE)?;
            // It writes to them, too.
            file.set_permissions(Permissions::from_mode(0o666))?;
        }
        let socket = daemon.socket();
        let uri = format!("storage+unix:///session?socket={}", socket.display());
        let target = directory.display().to_string();
        let output = virsh::run(
            &uri,
            &["pool-create-as", "pool", "dir", "--target", &target],
        )?;
        if !output.status.success() {
            return Err(io::Error::other(format!("no pool: {output:?}")));
        }
        Ok(Self(daemon))
    }

    /// Its Unix socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.0.socket()
    }

    /// The daemon, to be stopped and started again. Its pool lives on.
    pub fn daemon(&mut self) -> &mut Daemon {
        &mut self.0
    }

    /// The URI that opens the storage driver over its Unix socket.
    #[must_use]
    pub fn uri(&self) -> String {
        format!("storage+unix:///session?socket={}", self.socket().display())
    }

    /// The file of a volume.
    #[must_use]
    pub fn volume(&self, name: &str) -> PathBuf {
        self.0.directory().join("pool").join(name)
    }

    /// A new connection to its Unix socket.
    ///
    /// # Errors
    ///
    /// Those of connecting.
    pub fn unix(&self) -> io::Result<Connection> {
        self.0.unix()
    }
}
