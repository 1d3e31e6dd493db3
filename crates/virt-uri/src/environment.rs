//! What the caller found around it.

use std::path::PathBuf;

use crate::{ResolveError, Uri};

/// What a URI's meaning depends on: who asks, and what their environment says.
///
/// Plain data: the caller reads it from wherever it is. A variable set to nothing counts as not
/// set, as in libvirt.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Environment {
    /// True if the effective user is root, who has no session: `qemu:///session` is then at the
    /// system's sockets.
    pub root: bool,
    /// `XDG_RUNTIME_DIR`: its subdirectory `libvirt` holds the sockets of a session.
    pub runtime_dir: Option<PathBuf>,
    /// `XDG_CACHE_HOME`: used where there is no `runtime_dir`.
    pub cache_home: Option<PathBuf>,
    /// `HOME`, else the home directory of the user database: its `.cache` is used where there is no
    /// `cache_home`.
    pub home: Option<PathBuf>,
    /// `LIBVIRT_DEFAULT_URI`: the URI where none is given.
    pub libvirt_default_uri: Option<String>,
    /// `uri_default` of `libvirt.conf` (root: `/etc/libvirt`, others: `$XDG_CONFIG_HOME/libvirt`):
    /// used where there is no `libvirt_default_uri`.
    pub uri_default: Option<String>,
}

impl Environment {
    /// The URI to use where none is given: `LIBVIRT_DEFAULT_URI`, else `uri_default`, else one that
    /// leaves the choice to a daemon.
    ///
    /// That last one is `remote:///` for root and `remote:///session` for others: at the socket for
    /// all drivers, with an empty name. `CONNECT_GET_URI` then tells what the daemon chose.
    ///
    /// # Errors
    ///
    /// [`ResolveError::DefaultUri`] if what is configured is not a URI; the next in line is not
    /// tried.
    pub fn default_uri(&self) -> Result<Uri, ResolveError> {
        let configured = [
            ("LIBVIRT_DEFAULT_URI", &self.libvirt_default_uri),
            ("uri_default of libvirt.conf", &self.uri_default),
        ];
        for (origin, text) in configured {
            if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
                return text
                    .parse()
                    .map_err(|error| ResolveError::DefaultUri { origin, error });
            }
        }
        Ok(Uri::remote(if self.root { "/" } else { "/session" }))
    }

    /// The directory of a session's sockets.
    pub(crate) fn session_directory(&self) -> Result<PathBuf, ResolveError> {
        let set = |path: &Option<PathBuf>| path.clone().filter(|path| !path.as_os_str().is_empty());
        set(&self.runtime_dir)
            .or_else(|| set(&self.cache_home))
            .or_else(|| set(&self.home).map(|home| home.join(".cache")))
            .map(|directory| directory.join("libvirt"))
            .ok_or(ResolveError::NoSessionDirectory)
    }
}
