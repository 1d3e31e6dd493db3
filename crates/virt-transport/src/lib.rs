//! A dispatcher without I/O for libvirt's RPC protocol: programs register, frames route.
