//! The remote program of libvirt's RPC protocol: its procedures, and the types that open a connection.

mod arguments;
mod error;
mod generated;
mod hypervisor;
mod server;
mod test_hypervisor;
mod version;
mod words;

pub mod admin {
    //! The admin program, which manages a daemon: its procedures.

    mod generated;

    pub use generated::*;
}

pub mod lxc {
    //! The lxc program, for what only containers have: its procedures.

    mod generated;

    pub use generated::*;
}

pub mod qemu {
    //! The qemu program, for what only QEMU has: its procedures.

    mod generated;

    pub use generated::*;
}

pub use generated::*;
pub use hypervisor::Hypervisor;
pub use server::RemoteServer;
pub use test_hypervisor::TestHypervisor;
pub use version::Version;
pub use words::READ_ONLY;
